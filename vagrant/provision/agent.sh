#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# agent.sh NAME ADDRESS: installs Culvert from the uploaded archive and starts this host's agent, with the uploaded leases.
set -euo pipefail

name=$1
address=$2

# Vagrant's own network joins all machines too, so the agent must be told which interface is the underlay.
interface=$(ip -o -4 address show to "$address" | awk '{ print $2; exit }')
[ -n "$interface" ] || {
  echo "No interface has the address $address." >&2
  exit 1
}

missing=()
for package in iproute2 iputils-ping tcpdump; do
  dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  echo "Installing from the distribution: ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

rm -rf /opt/culvert
mkdir -p /opt/culvert /etc/culvert /var/lib/culvert/leases
tar -xzf /tmp/culvert.tar.gz -C /opt/culvert --strip-components=1 --no-same-owner
ln -sf /opt/culvert/bin/culvert /usr/local/bin/culvert
install -m 644 /tmp/leases/*.lease /var/lib/culvert/leases/
rm -rf /tmp/culvert.tar.gz /tmp/leases

cat >/etc/culvert/culvert.yaml <<YAML
host: $name
network: 10.244.0.0/16
underlay:
  interface: $interface
  address: $address
store:
  directory: /var/lib/culvert/leases
YAML

install -m 644 /opt/culvert/culvert.service /etc/systemd/system/culvert.service
systemctl daemon-reload
systemctl enable --quiet culvert.service
systemctl restart culvert.service
