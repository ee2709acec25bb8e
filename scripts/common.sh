# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What ./culvert, ./dev and .ci/run share. To be sourced; ROOT is the top of the source tree.

# shellcheck source=java.sh
. "$ROOT/scripts/java.sh"

say() { printf '%s\n' "$*" >&2; }

die() {
  say "$(basename "$0"): $*"
  exit 1
}

is_root() { [ "$(id -u)" -eq 0 ]; }

is_debian() { command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; }

# The package names in a list file: the first word of each line, comments from #.
packages_in() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$1" | awk '{ print $1 }'; }

lab_packages() { packages_in "$ROOT/lab/src/main/resources/dev/culvert/lab/packages.txt"; }

bench_packages() { packages_in "$ROOT/bench/src/main/resources/dev/culvert/bench/packages.txt"; }

is_installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing_packages() {
  local package
  for package in "$@"; do
    is_installed "$package" || printf '%s\n' "$package"
  done
}

# Package lists are fetched once a run, and only when something is to be installed or looked up.
PACKAGE_LISTS_FRESH=
refresh_package_lists() {
  [ -n "$PACKAGE_LISTS_FRESH" ] && return
  apt-get update -qq </dev/null >&2 || say "Could not refresh the package lists; going on with those at hand."
  PACKAGE_LISTS_FRESH=yes
}

# ensure_packages WHY PACKAGE...: installs what is missing from the distribution, after saying so.
ensure_packages() {
  local why=$1 missing
  shift
  if ! is_debian; then
    [ -n "${SAID_NOT_DEBIAN:-}" ] || say "This is not Debian, so nothing is installed here; $why needs what Debian calls: $*"
    SAID_NOT_DEBIAN=yes
    return
  fi
  mapfile -t missing < <(missing_packages "$@")
  [ "${#missing[@]}" -gt 0 ] || return 0
  is_root || die "$why needs the packages ${missing[*]}: run \"sudo apt-get install ${missing[*]}\", or this command as root."
  say "Installing for $why, from the distribution: ${missing[*]}"
  refresh_package_lists
  install_packages "${missing[@]}"
}

install_packages() {
  local log policy=/usr/sbin/policy-rc.d
  log=$(mktemp)
  # Services that come with a package (etcd) are not started: tests start what they need, where they need it.
  if [ -e "$policy" ]; then policy=''; else printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy"; fi
  if ! DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log" ${policy:+"$policy"}
    die "apt-get could not install $* (its words are above)."
  fi
  rm -f "$log" ${policy:+"$policy"}
}

# The newest JDK package of the distribution that is new enough, or nothing.
jdk_package() {
  apt-cache search --names-only '^openjdk-[0-9]+-jdk-headless$' 2>/dev/null |
    awk -F'[- ]' -v min="$JAVA_MIN" '$2 >= min && $2 > best { best = $2 } END { if (best) print "openjdk-" best "-jdk-headless" }'
}

# Sets and exports JAVA_HOME to a JDK that can build and run Culvert, installing one where the distribution has it.
require_jdk() {
  local home package=''
  home=$(find_java javac) || true
  if [ -z "$home" ] && is_debian; then
    ! is_root || refresh_package_lists
    package=$(jdk_package)
    [ -z "$package" ] || ensure_packages "Java $JAVA_MIN or later" "$package"
    home=$(find_java javac) || true
  fi
  [ -n "$home" ] || die "no JDK $JAVA_MIN or later is in JAVA_HOME, PATH, /usr/lib/jvm, /opt or SDKMAN, and no package of the" \
    "distribution has one: install one, e.g. from Adoptium, and set JAVA_HOME to its folder."
  export JAVA_HOME=$home
}

# Runs Maven with the right JDK, as the owner of the tree when called through sudo, so that target/ stays theirs.
maven() {
  ensure_packages "building" maven
  local run=(env "JAVA_HOME=$JAVA_HOME" "MAVEN_OPTS=${MAVEN_OPTS:-} $(newer_jvm_flags)")
  if is_root && [ -n "${SUDO_USER:-}" ] && [ "$SUDO_USER" != root ] && [ "$(stat -c %U "$ROOT")" = "$SUDO_USER" ]; then
    run=(runuser -u "$SUDO_USER" -- "${run[@]}")
  fi
  # Jars keep the rights of the files in them: they should not depend on who builds. And Maven sends colour codes to files too, some
  # of them whatever it is told.
  (umask 022 && cd "$ROOT" && exec "${run[@]}" mvn -B --no-transfer-progress "$@" </dev/null 2>&1) | if [ -t 1 ]; then cat; else sed -u 's/\x1b\[[0-9;]*m//g'; fi
}

# Silences what newer JVMs say about the libraries of Maven and JMH.
newer_jvm_flags() {
  [ "$(java_release "$JAVA_HOME")" -lt 24 ] || printf '%s ' --sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED
  printf '\n'
}
