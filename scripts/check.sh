# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What holds for the tree besides its tests. To be sourced after common.sh.

readonly C_LICENCE='GPL-2.0-only OR BSD-2-Clause'

check_command() {
  local lost=() check
  ensure_packages "the checks" git shellcheck
  ensure_bpf_toolchain
  ensure_cni_toolchain
  for check in licence_lines text_files prose_lines named_paths shell_scripts java_choice archive c_format prebuilt_objects vagrantfile; do
    "check_$check" || lost+=("${check//_/ }")
  done
  [ "${#lost[@]}" -eq 0 ] || die "these checks failed (see above): ${lost[*]}."
  say "All checks hold."
}

tracked() { git -C "$ROOT" -c safe.directory="$ROOT" ls-files --cached --others --exclude-standard -- "$@"; }

# Each source file names its licence in its first three lines: Java's, which is also the CNI plugin's, the kernel side's for other C, and
# one of the two elsewhere.
check_licence_lines() {
  local file licence failed=0
  while IFS= read -r file; do
    case $file in
      *.java | cni/*.c | cni/*.h) licence=Apache-2.0 ;;
      *.c | *.h) licence=$C_LICENCE ;;
      *) licence="\\(Apache-2.0\\|$C_LICENCE\\)" ;;
    esac
    head -n 3 "$ROOT/$file" | grep -q "SPDX-License-Identifier: $licence" && continue
    say "$file: no line \"SPDX-License-Identifier: ${licence//\\/}\" at its top"
    failed=1
  done < <(tracked '*.java' '*.c' '*.h' '*.sh' '*.py' '*.xml' '*.yaml' '*.yml' '*Makefile' '*Vagrantfile' culvert dev .ci/run)
  return "$failed"
}

# What .editorconfig asks of every text: no blanks before a line's end, no carriage returns, and an end to the last line.
check_text_files() {
  local texts failed=0 unended
  mapfile -t texts < <(cd "$ROOT" && git -c safe.directory="$ROOT" grep --untracked -lI '')
  (cd "$ROOT" && ! grep -nHE $'[ \t\r]$' "${texts[@]}" >&2) || failed=1
  unended=$(cd "$ROOT" && grep -LzP '\n\z' "${texts[@]}") || true
  [ -z "$unended" ] || { say "no end to the last line: $unended"; failed=1; }
  return "$failed"
}

# At most 120 characters a line, in prose and code; tables and headings may be longer, and the results, which are generated.
check_prose_lines() {
  local pages long
  mapfile -t pages < <(tracked '*.md')
  long=$(cd "$ROOT" && LC_ALL=C awk '
    FNR == 1 { code = 0 }
    /^ *```/ { code = !code }
    { characters = $0; gsub(/[\200-\277]/, "", characters) } # of UTF-8 all bytes but each first
    FILENAME ~ /^docs\/results\// && code { next }
    length(characters) > 120 && (code || !/^ *[|#<]/) { print FILENAME ":" FNR ": " length(characters) " characters" }
  ' "${pages[@]}")
  [ -z "$long" ] || { say "$long"; return 1; }
}

# Paths in `backticks` and relative links of the guides must exist. Words like `a/b` that start with no folder of ours are not paths.
check_named_paths() {
  local page path failed=0
  while IFS= read -r page; do
    while IFS= read -r path; do
      [ -e "$ROOT/$path" ] || [ -e "$ROOT/$(dirname "$page")/$path" ] && continue
      say "$page names $path, which is not there"
      failed=1
    done < <(named_paths "$ROOT/$page")
  done < <(tracked '*.md')
  return "$failed"
}

named_paths() {
  {
    # shellcheck disable=SC2016 # Markdown's backticks
    grep -oE '`(\./)?(agent|bench|bpf|cni|control|docs|lab|loader|scripts|vagrant|\.ci|\.github)/[A-Za-z0-9_./-]*`' "$1" | tr -d '`'
    grep -oE '\]\([^) ]+' "$1" | cut -c3- | sed -e '/:\/\//d' -e 's/#.*//' -e '/^$/d'
  } | { grep -vE '/target(/|$)' || true; } | sort -u
}

check_shell_scripts() {
  local scripts
  mapfile -t scripts < <(cd "$ROOT" && tracked | while IFS= read -r file; do
    [ -f "$file" ] && head -n 1 "$file" | grep -qaE '^#!.*\b(ba)?sh\b' && printf '%s\n' "$file"
  done; tracked 'scripts/*.sh')
  (cd "$ROOT" && shellcheck -x -P SCRIPTDIR "${scripts[@]}")
}

check_java_choice() { "$ROOT/scripts/test-java-choice"; }

check_archive() { "$ROOT/scripts/test-archive"; }

toolchain_packages() { packages_in "$ROOT/bpf/toolchain.txt"; }

ensure_bpf_toolchain() {
  local packages
  mapfile -t packages < <(toolchain_packages)
  ensure_packages "the BPF programs" make "${packages[@]}"
}

cni_toolchain_packages() { packages_in "$ROOT/cni/toolchain.txt"; }

ensure_cni_toolchain() {
  local packages
  mapfile -t packages < <(cni_toolchain_packages)
  ensure_packages "the CNI plugin" make "${packages[@]}"
}

check_c_format() { make -s -C "$ROOT/bpf" check-format && make -s -C "$ROOT/cni" check-format; }

check_prebuilt_objects() {
  make -s -C "$ROOT/bpf" check && make -s -C "$ROOT/cni" check && make -s -C "$ROOT/loader/src/test/resources/dev/culvert/kernel" check
}

check_vagrantfile() { "$ROOT/vagrant/validate.sh"; }
