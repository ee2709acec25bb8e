# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Building the agent when its sources changed. To be sourced after common.sh.

# What the agent is made of. Tests, benchmarks and the C sources (the object is prebuilt) are not.
readonly AGENT_SOURCES=(pom.xml bpf/pom.xml bpf/prebuilt loader/pom.xml loader/src/main control/pom.xml control/src/main
  agent/pom.xml agent/src/main)

stamp() { printf '%s\n' "$ROOT/agent/target/.built"; }

agent_jar() {
  local jar
  for jar in "$ROOT"/agent/target/culvert-agent-*.jar; do
    case $jar in *-sources.jar | *-tests.jar | *-javadoc.jar) ;; *) break ;; esac
  done
  printf '%s\n' "$jar"
}

# What git has for the sources: times alone miss a copy that kept them.
source_ids() { git -C "$ROOT" rev-parse "${AGENT_SOURCES[@]/#/HEAD:}" 2>/dev/null || true; }

is_built() {
  [ -f "$(stamp)" ] && [ -f "$(agent_jar)" ] || return 1
  [ "$(cat "$(stamp)")" = "$(source_ids)" ] || return 1
  [ -z "$(cd "$ROOT" && find "${AGENT_SOURCES[@]}" -newer "$(stamp)" -print -quit)" ]
}

# One build at a time: the lock is on the folder itself, so it leaves no file.
build_if_needed() {
  is_built && return
  local lock
  exec {lock}<"$ROOT"
  flock "$lock"
  is_built || build_agent
  exec {lock}<&-
}

build_agent() {
  local started=$SECONDS
  say "Building Culvert (the first time, Maven fetches its plugins too)..."
  # "quick" leaves formatter, Error Prone and tests to ./dev.
  and_mark_built maven -q -Dquick -pl agent -am package >&2 || die "the build failed; Maven's words are above."
  say "Built in $((SECONDS - started)) s."
}

# Runs a command that builds the agent; the stamp bears the time before it, so that an edit meanwhile counts as newer.
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
