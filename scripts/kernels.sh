# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Culvert on the distribution's other kernels, each in an emulated machine without any network card. To be sourced after common.sh.

# A series, and where its machine decapsulates. 6.1 has clsact filters only, 6.12 has tcx links.
readonly KERNELS=("6.1 tc" "6.12 xdp")
readonly KERNEL_MODULES=(udp_tunnel ip6_udp_tunnel vxlan veth llc stp bridge sch_ingress cls_bpf)
readonly KERNEL_SECONDS=400

# kernels [SERIES]: all of them, or one.
kernels_command() {
  local work series decapsulation failed=0 ran=0
  [ $# -le 1 ] || die "\"kernels\" takes one series, or nothing for all of them."
  ensure_packages "booting other kernels" qemu-system-x86 busybox-static cpio zstd xz-utils iproute2 util-linux dash bash
  refresh_package_lists
  dist_command --runtime >&2
  work=$(mktemp -d)
  # shellcheck disable=SC2064 # the folder of now
  trap "rm -rf '$work'" EXIT
  for kernel in "${KERNELS[@]}"; do
    read -r series decapsulation <<<"$kernel"
    [ "${1:-$series}" = "$series" ] || continue
    ran=1
    run_on_kernel "$work/$series" "$series" "$decapsulation" || failed=1
  done
  [ "$ran" = 1 ] || die "there is no kernel $1 to boot; choose from: ${KERNELS[*]%% *}."
  return "$failed"
}

# The newest kernel of a series that the distribution has.
kernel_package() {
  apt-cache search --names-only "^linux-image-${1/./\\.}\.[0-9+a-z.-]*-cloud-amd64\$" | awk '{ print $1 }' | sort -V | tail -n 1
}

# run_on_kernel FOLDER SERIES DECAPSULATION: boots, walks, and shows what the machine said when it failed.
run_on_kernel() {
  local folder=$1 series=$2 package
  package=$(kernel_package "$series")
  [ -n "$package" ] || { say "The distribution has no kernel $series for machines in the cloud."; return 1; }
  say "Booting $package, decapsulating at $3 (about two minutes, emulated)..."
  mkdir -p "$folder/kernel"
  (cd "$folder" && apt-get download -q "$package" >/dev/null 2>&1 && dpkg -x "$package"_*.deb kernel) ||
    die "apt-get could not download $package."
  make_root "$folder" "$3"
  timeout "$KERNEL_SECONDS" qemu-system-x86_64 -M q35 -cpu Nehalem -m 1500 -smp 2 -nographic -no-reboot -nic none \
    -kernel "$folder"/kernel/boot/vmlinuz-* -initrd "$folder/root.img" \
    -append "console=ttyS0 quiet mitigations=off panic=-1" </dev/null >"$folder/said" 2>&1 || true
  if grep -q '^KERNEL WALK: passed' "$folder/said"; then
    say "  ok      $package: containers of two hosts reach each other; the agent left nothing behind"
  else
    tr -d '\r' <"$folder/said" >&2
    say "  FAILED  $package (its words are above)"
    return 1
  fi
}

# A root file system of the tools, the packed Culvert and the kernel's modules, with the walk as init.
make_root() {
  local root=$1/root module file
  mkdir -p "$root"/{bin,proc,sys,tmp,run,dev,lib,lib64,opt,modules}
  cp /bin/busybox "$root/bin/"
  for tool in cat mount insmod sleep ls grep mkdir ping sysctl uname poweroff env readlink dirname sed; do ln -s busybox "$root/bin/$tool"; done
  with_libraries "$root" "$(command -v ip)" "$(command -v nsenter)" "$(command -v dash)" "$(command -v bash)"
  # dash and not busybox's shell, which would prefer its own "ip".
  ln -s dash "$root/bin/sh"
  ln -s . "$root/usr"
  # shellcheck disable=SC2153 # ROOT is the tree's top, root is this file system's
  tar xzf "$ROOT"/target/culvert-*-x86_64.tar.gz -C "$root/opt" --strip-components=1
  while IFS= read -r file; do libraries_of "$root" "$file"; done < <(find "$root/opt/runtime" -name '*.so' -o -name java)
  for module in "${KERNEL_MODULES[@]}"; do
    file=$(find "$1/kernel/lib/modules" -name "$module.ko*" | head -n 1)
    case $file in *.xz) xz -dc "$file" >"$root/modules/$module.ko" ;; *) cp "$file" "$root/modules/" ;; esac
  done
  sed "s/@DECAPSULATION@/$2/" "$ROOT/scripts/kernel-walk" >"$root/init"
  chmod +x "$root/init"
  (cd "$root" && find . | cpio -o -H newc --quiet | zstd -q -3) >"$1/root.img"
}

# with_libraries ROOT PROGRAM...: copies programs to ROOT/bin, and what they are linked with.
with_libraries() {
  local root=$1 program
  shift
  for program in "$@"; do
    cp "$(readlink -f "$program")" "$root/bin/$(basename "$program")"
    libraries_of "$root" "$program"
  done
}

libraries_of() {
  local root=$1 library
  while IFS= read -r library; do
    case $library in "$root"/*) continue ;; esac
    mkdir -p "$root$(dirname "$library")"
    cp -n "$library" "$root$library"
  done < <(ldd "$2" 2>/dev/null | grep -o '/[^ ]*')
}
