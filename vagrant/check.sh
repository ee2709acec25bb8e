#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# With the machines up ("vagrant up"): every container reaches every other, through the router and in no other way.
set -euo pipefail
cd "$(dirname "$0")"

readonly CONTAINERS=("host-01 container-1 10.244.1.2" "host-02 container-4 10.244.2.2" "host-03 container-7 10.244.3.2")
failed=0

on() { vagrant ssh "$1" -c "$2" </dev/null 2>/dev/null; }

expect() {
  local word=$1 what=$2
  shift 2
  if "$@" >/dev/null; then
    [ "$word" = yes ] && echo "ok      $what" && return
  else
    [ "$word" = no ] && echo "ok      $what" && return
  fi
  echo "FAILED  $what"
  failed=1
}

ping_all() {
  local word=$1 when=$2 from to host name address
  for from in "${CONTAINERS[@]}"; do
    read -r host name _ <<<"$from"
    for to in "${CONTAINERS[@]}"; do
      [ "$from" = "$to" ] && continue
      read -r _ _ address <<<"$to"
      expect "$word" "$name -> $address $when" on "$host" "sudo ip netns exec $name ping -c 2 -W 2 $address"
    done
  done
}

forwarding() { on router "sudo sysctl -q -w net.ipv4.ip_forward=$1"; }

expect no "the router knows no route into the overlay" on router "ip route show root 10.244.0.0/16 | grep ."
ping_all yes "arrives"
# Vagrant's management network joins the machines too. Were packets to take that way, they would still arrive now.
trap 'forwarding 1' EXIT
forwarding 0
ping_all no "does not, while the router forwards nothing"
forwarding 1
ping_all yes "arrives again"
for from in "${CONTAINERS[@]}"; do
  expect yes "status of ${from%% *}" on "${from%% *}" "sudo culvert status"
done
exit "$failed"
