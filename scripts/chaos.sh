# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Faults of a real etcd and of agents, with what must hold looked at all along. To be sourced after common.sh and tests.sh.

# chaos [--minutes N] [--seed S] [--table FILE]: two minutes, and a seed by the clock, unless told otherwise.
chaos_command() {
  local minutes=2 seed=$((10#$(date +%s%N) / 1000 % 1000000000)) table=''
  while [ "$#" -gt 0 ]; do
    case $1 in
      --minutes) minutes=${2:?} ;;
      --seed) seed=${2:?} ;;
      --table) table=$(realpath -m "${2:?}") ;;
      *) die "\"chaos\" takes --minutes N, --seed S and --table FILE, and not \"$1\"." ;;
    esac
    shift 2
  done
  [[ $minutes =~ ^[0-9]+(\.[0-9]+)?$ && $seed =~ ^[0-9]+$ ]] || die "--minutes and --seed want numbers."
  is_root || die "the chaos makes network namespaces, which needs root: run \"sudo $0 chaos\"."
  ensure_test_tools
  require_jdk
  say "The same again: ./dev chaos --minutes $minutes --seed $seed"
  maven -q -Ptiers -Dspotless.check.skip -pl lab -am -Drequire.all -Dtest=ChaosTest -Dsurefire.failIfNoSpecifiedTests=false \
    "-Dchaos.minutes=$minutes" "-Dchaos.seed=$seed" ${table:+"-Dchaos.table=$table"} verify ||
    die "something happened that must not (see above)."
}
