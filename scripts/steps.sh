# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The steps of a test that is a script, told one by one. To be sourced after common.sh, by who defines what to "fail WHAT" means.

# within SECONDS WHAT COMMAND...: waits until the command succeeds.
within() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || fail "it never came that $what"
    sleep 0.2
  done
  say "  ok  $what"
}

# expect WHAT COMMAND...: it succeeds at once.
expect() { if "${@:2}"; then say "  ok  $1"; else fail "not so: $1"; fi; }
