# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The benchmarks. To be sourced after common.sh.

# bench [jmh|programs|store|baseline|startup] ARGUMENTS...; without one of these words end to end, which ./culvert has too; here each run's
# tables are kept as a page.
bench_command() {
  local what=${1:-}
  case $what in
    jmh | programs | store | baseline) ;;
    startup) exec "$ROOT/scripts/bench-startup" "${@:2}" ;;
    *)
      case " $* " in *" --results"*) ;; *) set -- "$@" --results "$ROOT/docs/results" ;; esac
      exec "$ROOT/culvert" bench "$@"
      ;;
  esac
  is_root || die "the benchmarks load BPF programs and maps, which needs root: run \"sudo $0 bench $*\"."
  shift
  "bench_$what" "$@"
}

# Builds the jar of the benchmarks and sets BENCH_JAVA to what runs it.
build_bench() {
  local flags
  require_jdk
  maven -q -Dquick -pl bench -am package >&2
  read -ra flags < <(newer_jvm_flags)
  BENCH_JAVA=("$JAVA_HOME/bin/java" "${flags[@]}" --enable-native-access=ALL-UNNAMED -cp "$ROOT/bench/target/benchmarks.jar")
}

# What Java costs, by JMH: maps, encoding, parsing, loading, netlink, reconciliation. Arguments are JMH's (--quick stands for some of
# them); without any, the map calls are compared with the same in C first.
bench_jmh() {
  build_bench
  case "$*" in '' | --quick) bench_against_c ;; esac
  "${BENCH_JAVA[@]}" dev.culvert.bench.JavaBenchmarks "$@"
}

bench_against_c() {
  local compiler program="$ROOT/bench/target/map_calls"
  if ! compiler=$(command -v clang || command -v gcc || command -v cc); then
    say "No C compiler (clang or gcc) is here, so the map calls are not compared with C."
    return
  fi
  "$compiler" -O2 -Wall -Wextra -o "$program" "$ROOT/bench/src/main/c/map_calls.c"
  "${BENCH_JAVA[@]}" dev.culvert.bench.JavaAgainstC "$program"
}

# What a packet costs in each program, by the kernel's own clock; for one of the tables in the lab, under real traffic.
bench_programs() {
  local packages
  mapfile -t packages < <(lab_packages)
  ensure_packages "the benchmarks" "${packages[@]}"
  build_bench
  "${BENCH_JAVA[@]}" dev.culvert.bench.programs.Programs --out "$ROOT/target/bench" "$@"
}

# Many hosts and one etcd, on loopback, and an agent's writes to the kernel's maps.
bench_store() {
  ensure_packages "the benchmarks" etcd-server
  build_bench
  "${BENCH_JAVA[@]}" dev.culvert.bench.store.StoreBench --out "$ROOT/target/bench" "$@"
}

# Records what the regression guard compares with (bench/baseline.csv). Look at the difference before committing it.
bench_baseline() {
  build_bench
  "${BENCH_JAVA[@]}" dev.culvert.datapath.ebpf.RecordedCosts "$ROOT/bench/baseline.csv"
}
