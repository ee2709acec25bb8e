#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# underlay.sh ROUTER NETWORK...: how this host reaches the other hosts' underlay networks. At each start: routes do not last.
set -euo pipefail

router=$1
shift
for network in "$@"; do
  ip route replace "$network" via "$router"
done
