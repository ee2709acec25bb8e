#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The router forwards between the underlay networks that it is in. Nothing here names the overlay: that is the point.
set -euo pipefail

echo 'net.ipv4.ip_forward = 1' >/etc/sysctl.d/90-router.conf
sysctl -q -p /etc/sysctl.d/90-router.conf
