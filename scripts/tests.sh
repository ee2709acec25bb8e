# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The test tiers. To be sourced after common.sh and build.sh.

unit_command() {
  require_jdk
  forget_reports
  maven verify || die "the build or a test failed; Maven's words are above."
  summarize_reports
}

test_command() {
  local require_all=()
  case ${1:-} in
    --require-all) require_all=(-Drequire.all) ;;
    '') ;;
    *) die "\"test\" takes --require-all and nothing else." ;;
  esac
  case ${CI:-} in true | 1) require_all=(-Drequire.all) ;; esac

  if ! is_root; then
    [ "${#require_all[@]}" -eq 0 ] || die "the tiers kernel, netns and store need root, and no test may be skipped: run this as root."
    unit_command
    return
  fi
  ensure_test_tools
  require_jdk
  forget_reports
  and_mark_built bench maven -Ptiers "${require_all[@]}" verify || die "the build or a test failed; Maven's words are above."
  [ "${#require_all[@]}" -eq 0 ] || require_that_all_ran
  test_systemd "${require_all[@]}"
  test_containerd "${require_all[@]}"
  summarize_reports
}

# Where Debian's tools are not to be had it is passed over, loudly, unless nothing may be.
test_systemd() {
  if { command -v systemd-nspawn && command -v mmdebstrap; } >/dev/null || [ "$#" -gt 0 ]; then
    "$ROOT/scripts/test-systemd" || die "an installed agent is not right under systemd (see above)."
  else
    say "SKIPPED: an installed agent under systemd; it needs systemd-nspawn and mmdebstrap."
  fi
}

# The same for containers that a real runtime starts.
test_containerd() {
  if { command -v containerd && command -v runc && [ -x /bin/busybox ]; } >/dev/null || [ "$#" -gt 0 ]; then
    "$ROOT/scripts/test-containerd" || die "containerd's containers are not right in the overlay (see above)."
  else
    say "SKIPPED: containers by containerd; it needs containerd, runc and busybox-static."
  fi
}

# -Drequire.all makes tests fail that would skip themselves; this catches other ways of running less.
require_that_all_ran() {
  local skipped
  compgen -G "$ROOT/*/target/tier-reports/TEST-*.xml" >/dev/null || die "no test of the tiers kernel, netns and store has run."
  skipped=$(grep -lE '<testsuite .* skipped="[1-9]' "$ROOT"/{*,stores/*,cni/*}/target/*-reports/TEST-*.xml) || return 0
  die "these test classes skipped tests: $(printf '%s\n' "$skipped" | sed 's|.*/TEST-||; s|\.xml$||' | tr '\n' ' ')"
}

# The tools that the tests compare with (tshark, bpftool, ...), and those of the lab, which the tests run too.
ensure_test_tools() {
  local packages
  mapfile -t packages < <(packages_in "$ROOT/scripts/test-packages.txt" && packages_in "$ROOT/scripts/containerd-packages.txt" && lab_packages)
  ensure_packages "the tests" "${packages[@]}"
}

forget_reports() { rm -rf "$ROOT"/{*,stores/*,cni/*}/target/{surefire,tier}-reports; }

# Ends the output with the sums of what really ran, from Surefire's own reports.
summarize_reports() {
  local reports
  printf '\n[INFO] What ran, by module and tier:\n'
  for reports in "$ROOT"/{*,stores/*,cni/*}/target/{surefire,tier}-reports; do
    # A module whose tier holds no test leaves an empty folder.
    compgen -G "$reports/TEST-*.xml" >/dev/null || continue
    case $reports in
      */surefire-reports) sum_reports "$(module_of "$reports"), unit" "$reports"/TEST-*.xml ;;
      *) sum_reports "$(module_of "$reports"), with a kernel or a store" "$reports"/TEST-*.xml ;;
    esac
  done
  sum_reports "All" "$ROOT"/{*,stores/*,cni/*}/target/*-reports/TEST-*.xml
}

module_of() { basename "${1%/target/*}"; }

# sum_reports NAME XML...: one line as Surefire prints it, from the attributes of each <testsuite>.
sum_reports() {
  local name=$1
  shift
  awk -v name="$name" '
    /<testsuite / {
      for (i = 1; i <= 4; i++) if (match($0, " " key(i) "=\"[0-9]+\"")) sum[i] += number(substr($0, RSTART, RLENGTH))
      nextfile
    }
    function key(i) { return i == 1 ? "tests" : i == 2 ? "failures" : i == 3 ? "errors" : "skipped" }
    function number(text) { gsub(/[^0-9]/, "", text); return text }
    END { printf "[INFO] %s\n[INFO] Tests run: %d, Failures: %d, Errors: %d, Skipped: %d\n", name, sum[1], sum[2], sum[3], sum[4] }
  ' "$@"
}
