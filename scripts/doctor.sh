# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What this machine has and lacks for Culvert. Changes nothing. To be sourced after common.sh.

doctor_command() {
  DOCTOR_LACKS=0
  doctor_kernel
  doctor_jdk
  doctor_packages "build" maven git
  doctor_packages "lab" "$(lab_packages)"
  doctor_packages "tests" "$(packages_in "$ROOT/scripts/test-packages.txt")"
  doctor_packages "containerd's containers" "$(packages_in "$ROOT/scripts/containerd-packages.txt")"
  doctor_packages "compile BPF programs" make "$(toolchain_packages)"
  doctor_packages "compile the CNI plugin" make "$(cni_toolchain_packages)"
  if [ "$DOCTOR_LACKS" -gt 0 ]; then
    say "What is marked MISSING is installed, as root, by the command that needs it, where the distribution has it."
    return 1
  fi
}

has() { printf '  ok       %s\n' "$*"; }

lacks() {
  printf '  MISSING  %s\n' "$*"
  DOCTOR_LACKS=$((DOCTOR_LACKS + 1))
}

doctor_kernel() {
  local release major minor
  release=$(uname -r)
  IFS=. read -r major minor _ <<<"$release"
  minor=${minor%%[!0-9]*}
  if [ $((major * 1000 + minor)) -ge 6006 ]; then
    has "kernel $release: tcx links"
  elif [ $((major * 1000 + minor)) -ge 5010 ]; then
    has "kernel $release: older than 6.6, so clsact filters instead of tcx links"
  else
    lacks "kernel 5.10 or later (this is $release)"
  fi
  if [ "$(stat -f -c %T /sys/fs/bpf 2>/dev/null)" = bpf_fs ]; then
    has "BPF filesystem at /sys/fs/bpf"
  else
    lacks "BPF filesystem: mount -t bpf bpf /sys/fs/bpf"
  fi
  if is_root; then has "root"; else lacks "root: the agent, the lab and the tiers kernel and netns need it"; fi
}

doctor_jdk() {
  local home
  if home=$(find_java javac); then
    has "JDK $(java_release "$home") at $home"
  else
    lacks "JDK $JAVA_MIN or later"
  fi
}

# doctor_packages PURPOSE NAMES...: each argument is one or more package names, one a line.
doctor_packages() {
  local purpose=$1 missing packages
  shift
  mapfile -t packages < <(printf '%s\n' "$@")
  if ! is_debian; then
    has "to $purpose: not Debian, so not looked up: ${packages[*]}"
    return
  fi
  mapfile -t missing < <(missing_packages "${packages[@]}")
  if [ "${#missing[@]}" -eq 0 ]; then
    has "packages for: $purpose"
  else
    lacks "packages for: $purpose: ${missing[*]}"
  fi
}
