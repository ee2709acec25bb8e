# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The benchmarks. To be sourced after common.sh.

# bench [jmh|programs|baseline] ARGUMENTS...
bench_command() {
  local what=${1:-}
  is_root || die "the benchmarks load BPF programs and maps, which needs root: run \"sudo $0 bench $*\"."
  case $what in
    jmh | programs | baseline)
      shift
      "bench_$what" "$@"
      ;;
    *) die "\"bench\" takes jmh, programs or baseline: see \"./dev help\"." ;;
  esac
}

# Builds the jar of the benchmarks and sets BENCH_JAVA to what runs it.
build_bench() {
  local flags
  require_jdk
  maven -q -Dquick -pl bench -am package >&2
  read -ra flags < <(newer_jvm_flags)
  BENCH_JAVA=("$JAVA_HOME/bin/java" "${flags[@]}" --enable-native-access=ALL-UNNAMED -cp "$ROOT/bench/target/benchmarks.jar")
}

# What Java costs, by JMH: maps against C, encoding, parsing, loading, netlink, reconciliation. Arguments are JMH's.
bench_jmh() {
  local quick=()
  build_bench
  if [ "${1:-}" = --quick ]; then
    shift
    quick=(-f 1 -wi 3 -w 1 -i 3 -r 500ms)
  fi
  "${BENCH_JAVA[@]}" org.openjdk.jmh.Main "${quick[@]}" "$@"
}

# What a packet costs in each program, by the kernel's own clock.
bench_programs() {
  build_bench
  "${BENCH_JAVA[@]}" dev.culvert.bench.Programs --out "$ROOT/target/bench" "$@"
}
