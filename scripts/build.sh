# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Building the agent, the lab or the benchmarks when their sources changed. To be sourced after common.sh.

# started_modules MODULE: those among the modules that are started which a build of this one brings, itself the last.
started_modules() {
  case $1 in
    agent) echo agent ;;
    lab) echo agent lab ;;
    bench) echo agent lab bench ;;
  esac
}

# What a module is made of; tests and the C sources (object and plugin are prebuilt) are not.
sources_of() {
  local module
  printf '%s\n' pom.xml bpf/pom.xml bpf/prebuilt cni/prebuilt {loader,control,stores/etcd}/pom.xml {loader,control,stores/etcd}/src/main
  for module in $(started_modules "$1"); do printf '%s\n' "$module/pom.xml" "$module/src/main"; done
}

stamp() { printf '%s\n' "$ROOT/$1/target/.built"; }

# built_jar MODULE: what is started.
built_jar() {
  local jar
  [ "$1" != bench ] || { printf '%s\n' "$ROOT/bench/target/benchmarks.jar"; return; }
  for jar in "$ROOT/$1/target/culvert-$1"-*.jar; do
    case $jar in *-sources.jar | *-tests.jar | *-javadoc.jar) ;; *) break ;; esac
  done
  printf '%s\n' "$jar"
}

# What git has for the sources: times alone miss a copy that kept them.
source_ids() {
  local sources
  mapfile -t sources < <(sources_of "$1")
  git -C "$ROOT" rev-parse "${sources[@]/#/HEAD:}" 2>/dev/null || true
}

# What the sources are, "-dirty" where files that git knows differ from that.
source_commit() { git -C "$ROOT" -c safe.directory="$ROOT" describe --always --dirty --abbrev=12 2>/dev/null || echo unknown; }

is_built() {
  local sources
  [ -f "$(stamp "$1")" ] && [ -f "$(built_jar "$1")" ] && [ -f "$(class_list "$(built_jar agent)")" ] || return 1
  [ "$(cat "$(stamp "$1")")" = "$(source_ids "$1")" ] || return 1
  mapfile -t sources < <(sources_of "$1")
  [ -z "$(cd "$ROOT" && find "${sources[@]}" -newer "$(stamp "$1")" -print -quit)" ]
}

# build_if_needed MODULE. One build at a time: the lock is on the folder itself, so it leaves no file.
build_if_needed() {
  is_built "$1" && return
  local lock
  exec {lock}<"$ROOT"
  flock "$lock"
  is_built "$1" || build_module "$1"
  exec {lock}<&-
}

build_module() {
  local started=$SECONDS
  say "Building Culvert (the first time, Maven fetches its plugins too)..."
  # "quick" leaves formatter, Error Prone and tests to ./dev.
  and_mark_built "$1" maven -q -Dquick -pl "$1" -am package >&2 || die "the build failed; Maven's words are above."
  say "Built in $((SECONDS - started)) s."
}

# and_mark_built MODULE COMMAND...: runs a command that builds the module. The stamps bear the time before it, so that an edit
# meanwhile counts as newer.
and_mark_built() {
  local modules module start
  local -A ids
  read -ra modules < <(started_modules "$1")
  shift
  start=$(date +@%s.%N)
  for module in "${modules[@]}"; do
    ids[$module]=$(source_ids "$module")
    # Removed before: a build that fails leaves no mark, and one left by root gives way to its owner's.
    rm -f "$(stamp "$module")"
  done
  "$@" || return
  for module in "${modules[@]}"; do
    printf '%s\n' "${ids[$module]}" >"$(stamp "$module")"
    touch -d "$start" "$(stamp "$module")"
  done
  list_classes "$(built_jar agent)"
  make_class_cache "$JAVA_HOME" "$(built_jar agent)"
}

# list_classes JAR: writes the class list of the agent's jar: all classes of ours, and what two runs load that change nothing. "doctor"
# loads what most commands do; an agent with an empty configuration refuses it, and has loaded the reader of YAML by then.
list_classes() {
  local lib part
  lib=$(dirname "$1")/lib
  {
    for part in "$1" "$lib"/culvert-*.jar; do "$JAVA_HOME/bin/jar" tf "$part" | sed -n '/module-info/d; s/\.class$//p'; done
    loaded_by "$1" doctor
    loaded_by "$1" agent --config /dev/null
  } | LC_ALL=C sort -u >"$(class_list "$1")"
}

# loaded_by JAR ARGUMENT...: the JVM's own list (-XX:DumpLoadedClassList), without what differs from run to run: numbers of classes, and
# which constants happened to be resolved. No command is to be found, so that none is started: which classes tell its end depends on when
# it ends.
loaded_by() {
  local list jar=$1
  shift
  list=$(mktemp)
  PATH=/nonexistent TZ=UTC LC_ALL=C \
    "$JAVA_HOME/bin/java" -XX:+UseSerialGC "-XX:DumpLoadedClassList=$list" -jar "$jar" "$@" >/dev/null 2>&1 || true
  sed -e '/^#/d; /^@cp /d; s/ id: .*//' "$list"
  rm -f "$list"
}
