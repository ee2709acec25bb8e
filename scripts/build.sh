# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Building the agent, or the benchmarks with it, when their sources changed. To be sourced after common.sh.

# What the agent is made of. Tests, benchmarks and the C sources (the object is prebuilt) are not.
readonly AGENT_SOURCES=(pom.xml bpf/pom.xml bpf/prebuilt loader/pom.xml loader/src/main control/pom.xml control/src/main
  agent/pom.xml agent/src/main)

# The module that is built: agent, or bench, which brings the agent.
BUILT_MODULE=agent
BUILT_SOURCES=("${AGENT_SOURCES[@]}")
build_the_benchmarks() {
  BUILT_MODULE=bench
  BUILT_SOURCES=("${AGENT_SOURCES[@]}" bench/pom.xml bench/src/main)
}

stamp() { printf '%s\n' "$ROOT/$BUILT_MODULE/target/.built"; }

built_jar() {
  case $BUILT_MODULE in
    agent) agent_jar ;;
    bench) printf '%s\n' "$ROOT/bench/target/benchmarks.jar" ;;
  esac
}

agent_jar() {
  local jar
  for jar in "$ROOT"/agent/target/culvert-agent-*.jar; do
    case $jar in *-sources.jar | *-tests.jar | *-javadoc.jar) ;; *) break ;; esac
  done
  printf '%s\n' "$jar"
}

# What git has for the sources: times alone miss a copy that kept them.
source_ids() { git -C "$ROOT" rev-parse "${BUILT_SOURCES[@]/#/HEAD:}" 2>/dev/null || true; }

is_built() {
  [ -f "$(stamp)" ] && [ -f "$(built_jar)" ] || return 1
  [ "$(cat "$(stamp)")" = "$(source_ids)" ] || return 1
  [ -z "$(cd "$ROOT" && find "${BUILT_SOURCES[@]}" -newer "$(stamp)" -print -quit)" ]
}

# One build at a time: the lock is on the folder itself, so it leaves no file.
build_if_needed() {
  is_built && return
  local lock
  exec {lock}<"$ROOT"
  flock "$lock"
  is_built || build_module
  exec {lock}<&-
}

build_module() {
  local started=$SECONDS
  say "Building Culvert (the first time, Maven fetches its plugins too)..."
  # "quick" leaves formatter, Error Prone and tests to ./dev.
  and_mark_built maven -q -Dquick -pl "$BUILT_MODULE" -am package >&2 || die "the build failed; Maven's words are above."
  say "Built in $((SECONDS - started)) s."
}

# Runs a command that builds the module; the stamp bears the time before it, so that an edit meanwhile counts as newer.
and_mark_built() {
  local start ids
  start=$(date +@%s.%N)
  ids=$(source_ids)
  # Removed before: a build that fails leaves no mark, and one left by root gives way to its owner's.
  rm -f "$(stamp)"
  "$@" || return
  printf '%s\n' "$ids" >"$(stamp)"
  touch -d "$start" "$(stamp)"
}
