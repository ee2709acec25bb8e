#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# container.sh NAME ADDRESS: a container, which here is a network namespace, in the overlay. At each start: namespaces do not last.
set -euo pipefail

name=$1
address=$2

# An emulated machine takes its time to start a JVM.
for _ in $(seq 120); do
  [ -e /run/culvert/ready ] && break
  sleep 1
done
[ -e /run/culvert/ready ] || {
  echo "The agent did not become ready:" >&2
  journalctl -u culvert.service --no-pager -n 20 >&2
  exit 1
}

[ -e "/run/netns/$name" ] || ip netns add "$name"
ip -n "$name" link set lo up
ip -n "$name" -o link show eth0 >/dev/null 2>&1 || culvert attach "$name" --address "$address"
