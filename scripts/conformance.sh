# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The conformance kit for CNI plugins, built when its sources changed. To be sourced after common.sh and build.sh.

conformance_command() {
  local jar=$ROOT/cni/conformance/target/culvert-cni-conformance.jar
  require_jdk
  if [ ! -f "$jar" ] || [ -n "$(find "$ROOT/pom.xml" "$ROOT/cni/conformance/pom.xml" "$ROOT/cni/conformance/src/main" -newer "$jar" -print -quit)" ]; then
    say "Building the conformance kit..."
    maven -q -Dquick -pl cni/conformance -am package >&2 || die "the build failed; Maven's words are above."
  fi
  exec "$JAVA_HOME/bin/java" -jar "$jar" "$@"
}
