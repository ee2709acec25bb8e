# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What a release must keep: the interfaces of what is embedded, and equal bytes from equal sources. To be sourced after common.sh
# and check.sh.

# For embedding, so others compile against them: what these export is compared.
readonly EMBEDDED=(loader control)

# api: the exported packages now against those of the last release. Incompatible changes fail, unless the version says that they may
# be there (another major, or another minor below 1.0).
api_command() {
  local last old packages breaks=true module
  require_jdk
  last=$(last_release)
  if [ -z "$last" ]; then
    say "There is no release yet (no tag v1.2.3 behind this commit), so the interfaces of ${EMBEDDED[*]} are compared with nothing."
    return
  fi
  may_break "$last" "$(version_of "$ROOT/pom.xml")" && breaks=false
  old=$(mktemp -d)
  # shellcheck disable=SC2064 # the folder of now
  trap "rm -rf '$old'" EXIT
  say "Building $last to compare the interfaces of ${EMBEDDED[*]} with..."
  copy_tree "$old/tree" "$last"
  maven -q -f "$old/tree" -Dquick -pl control -am package || die "$last cannot be built; Maven's words are above."
  for module in "${EMBEDDED[@]}"; do
    ln -s "$(only_jar "$old/tree/$module/target")" "$old/culvert-$module.jar"
  done
  no_export_is_gone "$old/tree" || [ "$breaks" = false ] || die "what was exported in $last must stay until the next version that may break."
  packages=$(exports_of "$ROOT" "$old/tree" | sort -u | paste -sd ';')
  maven -Dquick -Papi -Dapi.old="$old" -Dapi.packages="$packages" -Dapi.breaks="$breaks" -pl control -am verify >"$old/said" || {
    cat "$old/said" >&2
    die "the interfaces of ${EMBEDDED[*]} are not compatible with $last (see above)."
  }
  say "The interfaces of ${EMBEDDED[*]} were compared with $last; what changed is in */target/japicmp."
}

last_release() { git -C "$ROOT" -c safe.directory="$ROOT" describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null || true; }

version_of() { sed -n 's|^  <version>\(.*\)</version>.*|\1|p' "$1" | head -n 1; }

# may_break v0.1.0 0.2.0-SNAPSHOT: Semantic Versioning, where below 1.0 the minor stands for the major.
may_break() {
  local old new
  IFS=. read -ra old <<<"${1#v}"
  IFS=. read -ra new <<<"${2%-SNAPSHOT}"
  [ "${old[0]}" != "${new[0]}" ] || { [ "${old[0]}" = 0 ] && [ "${old[1]}" != "${new[1]}" ]; }
}

# copy_tree FOLDER [COMMIT]: what git has of a commit, or of the tree as it is now.
copy_tree() {
  mkdir -p "$1"
  if [ -n "${2:-}" ]; then
    git -C "$ROOT" -c safe.directory="$ROOT" archive "$2" | tar -x -C "$1"
  else
    tracked | (cd "$ROOT" && tar --files-from=- -c) | tar -x -C "$1"
  fi
}

only_jar() { find "$1" -maxdepth 1 -name 'culvert-*.jar' ! -name '*-tests.jar' ! -name '*-sources.jar' ! -name '*-javadoc.jar'; }

# exports_of TREE...: the packages that everybody may use.
exports_of() {
  local tree module
  for tree in "$@"; do
    for module in "${EMBEDDED[@]}"; do
      sed -n 's/^ *exports \([a-z0-9_.]*\);.*/\1/p' "$tree/$module/src/main/java/module-info.java"
    done
  done
}

no_export_is_gone() {
  local package failed=0
  while IFS= read -r package; do
    say "The package $package is no longer exported."
    failed=1
  done < <(comm -23 <(exports_of "$1" | sort) <(exports_of "$ROOT" | sort))
  return "$failed"
}

# reproduce: everything that a release consists of, built twice in two places, at two hours, under two sets of habits.
reproduce_command() {
  local work
  require_jdk
  work=$(mktemp -d)
  # shellcheck disable=SC2064 # the folder of now
  trap "rm -rf '$work'" EXIT
  build_release "$work/one" 022 UTC C.UTF-8 || die "the first build failed; its words are above."
  build_release "$work/another/place" 077 Pacific/Kiritimati C || die "the second build failed; its words are above."
  diff <(sums_of "$work/one") <(sums_of "$work/another/place") >&2 ||
    die "two builds of this tree differ in the files above; \"diffoscope\" tells what is in them."
  say "Two builds of this tree gave the same bytes: $(sums_of "$work/one" | wc -l) files."
}

# build_release FOLDER UMASK TIME-ZONE LOCALE. The jars of sources keep the rights that the files have in the tree, so these are
# the same in both.
build_release() (
  say "Building a release in $1..."
  umask 022
  copy_tree "$1"
  umask "$2"
  ROOT=$1 TZ=$3 LC_ALL=$4
  export TZ LC_ALL
  and_mark_built bench maven -q -Dquick -Prelease package >&2 && dist_command >/dev/null && dist_command --runtime >/dev/null
)

# sums_of FOLDER: of an archive with a runtime, all but the class cache: dumps of one list were seen to differ, one in twenty.
sums_of() (
  cd "$1" || exit
  find . -path '*/target/*' \( -name 'culvert-*.jar' -o -name '*-cyclonedx.json' -o -name 'benchmarks.jar' -o -name '*.tar.gz' \) |
    sort | while IFS= read -r file; do
    case $file in
      *-"$(uname -m)".tar.gz) gzip -dc "$file" | tar --delete --wildcards '*/lib/*.cache' -f - | sha256sum ;;
      *) sha256sum <"$file" ;;
    esac | sed "s|-$|$file|"
  done
)
