#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One contestant of the benchmarks by plain commands, to look at or to measure with other tools. Two hosts, a router between, a
# container on each, all in namespaces of their own:
#   bench/by-hand.sh up PEER [--bridge] [--wire]   and a ping from one container to the other
#   bench/by-hand.sh down                          takes it away again; so does "up" when it fails or is interrupted
# PEER: routes, kernel-vxlan, tunnel-key, ipip, wireguard, ipsec, culvert-tc, culvert-xdp, limit.
# --bridge puts the containers on a bridge, as flannel has them; --wire has frames of 1500 bytes on the underlay.
set -euo pipefail

ROOT=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
PREFIX=by-hand
WORK=/run/culvert-by-hand

die() {
  printf '%s\n' "by-hand.sh: $*" >&2
  exit 1
}

# on NAME ip-ARGUMENTS...: of a host (h1, h2), the router (r) or a container (c1, c2).
on() {
  local where=$1
  shift
  ip -n "$PREFIX-$where" "$@"
}

within() {
  local where=$1
  shift
  ip netns exec "$PREFIX-$where" "$@"
}

# Host i is 10.(16+i).2.2, its containers are in 10.244.i.0/24.
underlay() { printf '10.%d.2.%d\n' "$((16 + $1))" "$2"; }

topology() {
  local node i
  for node in r h1 h2 c1 c2; do
    ip netns add "$PREFIX-$node" || die "the namespace $PREFIX-$node is there already: \"$0 down\" first."
    on "$node" link set lo up
  done
  for i in 1 2; do
    on r link add "h$i" type veth peer name eth0 netns "$PREFIX-h$i"
    on r addr add "$(underlay "$i" 1)/24" dev "h$i"
    on r link set "h$i" up
    on "h$i" addr add "$(underlay "$i" 2)/24" dev eth0
    on "h$i" link set eth0 up
    on "h$i" route add default via "$(underlay "$i" 1)"
  done
  for node in r h1 h2; do within "$node" sysctl -qw net.ipv4.ip_forward=1; done
}

# A veth and a route for the container.
container_on_veth() {
  local i=$1
  on "h$i" link add "c$i" mtu 1450 type veth peer name eth0 mtu 1450 netns "$PREFIX-c$i"
  on "h$i" addr add "10.244.$i.1/32" dev "c$i"
  on "h$i" link set "c$i" up
  on "h$i" route add "10.244.$i.2/32" dev "c$i"
  on "c$i" addr add "10.244.$i.2/32" dev eth0
  on "c$i" link set eth0 up
  on "c$i" route add "10.244.$i.1/32" dev eth0
  on "c$i" route add default via "10.244.$i.1"
}

container_on_bridge() {
  local i=$1
  on "h$i" link add cni0 mtu 1450 type bridge
  on "h$i" addr add "10.244.$i.1/24" dev cni0
  on "h$i" link set cni0 up
  on "h$i" link add "c$i" mtu 1450 type veth peer name eth0 mtu 1450 netns "$PREFIX-c$i"
  on "h$i" link set "c$i" master cni0
  on "h$i" link set "c$i" type bridge_slave hairpin on
  on "h$i" link set "c$i" up
  on "c$i" addr add "10.244.$i.2/24" dev eth0
  on "c$i" link set eth0 up
  on "c$i" route add default via "10.244.$i.1"
}

wire() {
  local i
  for i in 1 2; do
    within r ethtool -K "h$i" tso off gso off tx-udp_tnl-segmentation off >/dev/null
    within "h$i" ethtool -K eth0 tso off gso off tx-udp_tnl-segmentation off gro on >/dev/null
  done
}

# peer_PEER HOST OTHER: what a host needs to reach the other's containers.

peer_routes() {
  on "h$1" route add "10.244.$2.0/24" via "$(underlay "$1" 1)"
  on r route add "10.244.$1.0/24" via "$(underlay "$1" 2)"
}

peer_kernel_vxlan() {
  local mac=02:c0:00:00:00:0
  on "h$1" link add flannel.1 address "$mac$1" mtu 1450 type vxlan id 1 dev eth0 local "$(underlay "$1" 2)" dstport 8472 nolearning
  on "h$1" addr add "10.244.$1.0/32" dev flannel.1
  on "h$1" link set flannel.1 up
  on "h$1" neigh add "10.244.$2.0" lladdr "$mac$2" dev flannel.1 nud permanent
  on "h$1" route add "10.244.$2.0/24" via "10.244.$2.0" dev flannel.1 onlink
  within "h$1" bridge fdb add "$mac$2" dev flannel.1 dst "$(underlay "$2" 2)" self permanent
}

peer_ipip() {
  on "h$1" link add flannel.ipip mtu 1480 type ipip local "$(underlay "$1" 2)" remote any
  on "h$1" addr add "10.244.$1.0/32" dev flannel.ipip
  on "h$1" link set flannel.ipip up
  on "h$1" route add "10.244.$2.0/24" via "$(underlay "$2" 2)" dev flannel.ipip onlink
}

peer_wireguard() {
  local i
  for i in "$1" "$2"; do [ -e "$WORK/key$i" ] || (umask 077 && wg genkey >"$WORK/key$i"); done
  on "h$1" link add flannel-wg mtu 1420 type wireguard
  on "h$1" addr add "10.244.$1.0/32" dev flannel-wg
  within "h$1" wg set flannel-wg listen-port 51820 private-key "$WORK/key$1"
  on "h$1" link set flannel-wg up
  within "h$1" wg set flannel-wg peer "$(wg pubkey <"$WORK/key$2")" endpoint "$(underlay "$2" 2):51820" allowed-ips "10.244.$2.0/24"
  on "h$1" route add "10.244.$2.0/24" dev flannel-wg
}

# With a key that is no secret.
peer_ipsec() {
  local key=0x00112233445566778899aabbccddeeff01020304 me it direction
  me=$(underlay "$1" 2) it=$(underlay "$2" 2)
  on "h$1" xfrm state add src "$me" dst "$it" proto esp spi "0x$1$2" mode tunnel aead 'rfc4106(gcm(aes))' "$key" 128
  on "h$1" xfrm state add src "$it" dst "$me" proto esp spi "0x$2$1" mode tunnel aead 'rfc4106(gcm(aes))' "$key" 128
  on "h$1" xfrm policy add src "10.244.$1.0/24" dst "10.244.$2.0/24" dir out tmpl src "$me" dst "$it" proto esp mode tunnel
  for direction in in fwd; do
    on "h$1" xfrm policy add src "10.244.$2.0/24" dst "10.244.$1.0/24" dir "$direction" tmpl src "$it" dst "$me" proto esp mode tunnel
  done
  on "h$1" route add "10.244.$2.0/24" via "$(underlay "$1" 1)"
}

number() { printf '%d %d %d %d' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255)); }
mac() { on "$1" -o link show "$2" | sed 's/.*ether \([0-9a-f:]*\).*/0x\1/; s/:/ 0x/g'; }
index() { on "$1" -o link show "$2" | cut -d: -f1; }

# bpf_skb_set_tunnel_key wants the VTEP's address as a number in the machine's order. nsenter, since "ip netns exec" and "tc -n"
# would hide /sys/fs/bpf.
# shellcheck disable=SC2046 # the bytes are words
peer_tunnel_key() {
  local pins=/sys/fs/bpf/$PREFIX-h$1 maps=/sys/fs/bpf/$PREFIX-h$1/maps at
  on "h$1" link add cilium_vxlan mtu 1500 type vxlan external dstport 8472
  on "h$1" link set cilium_vxlan up
  bpftool prog loadall "$ROOT/bench/src/main/resources/dev/culvert/bench/tunnel_key.bpf.o" "$pins" pinmaps "$maps"
  bpftool map update pinned "$maps/tunnel_device" key 0 0 0 0 value $(number "$(index "h$1" cilium_vxlan)")
  bpftool map update pinned "$maps/remotes" key 24 0 0 0 10 244 "$2" 0 value 2 2 $((16 + $2)) 10
  bpftool map update pinned "$maps/containers" key 10 244 "$1" 2 value $(number "$(index "h$1" "c$1")") $(mac "c$1" eth0) $(mac "h$1" "c$1")
  for at in "c$1:to_tunnel" cilium_vxlan:from_tunnel; do
    nsenter --net="/run/netns/$PREFIX-h$1" tc qdisc add dev "${at%:*}" clsact
    nsenter --net="/run/netns/$PREFIX-h$1" tc filter add dev "${at%:*}" ingress bpf direct-action object-pinned "$pins/${at#*:}"
  done
}

# culvert HOST OTHER DECAPSULATION DIRECT-ROUTING: an agent, which makes the container's interface itself.
culvert() {
  cat >"$WORK/h$1.yaml" <<END
host: $PREFIX-h$1
network: 10.244.0.0/16
subnet: 10.244.$1.0/24
decapsulation: $3
directRouting: $4
underlay: {interface: eth0}
store: {directory: $WORK/leases}
END
  # A job in the background would ignore Ctrl-C's signal, by which an agent leaves nothing behind.
  env --default-signal=INT nsenter --net="/run/netns/$PREFIX-h$1" "$ROOT/culvert" agent --config "$WORK/h$1.yaml" --ready-file "$WORK/h$1.ready" \
    >"$WORK/h$1.log" 2>&1 &
  echo $! >"$WORK/h$1.pid"
  until [ -e "$WORK/h$1.ready" ]; do
    kill -0 "$(cat "$WORK/h$1.pid")" 2>/dev/null || die "the agent of h$1 has ended: $(tail -n 3 "$WORK/h$1.log")"
    sleep 0.2
  done
  "$ROOT/culvert" attach "$PREFIX-c$1" --host "$PREFIX-h$1" >/dev/null
}

peer_culvert_tc() { culvert "$1" "$2" tc false; }
peer_culvert_xdp() { culvert "$1" "$2" xdp false; }

# The hosts take each other for neighbours, the router answers for them, and knows the subnets.
peer_limit() {
  on "h$1" route add "$(underlay "$2" 2)/32" dev eth0
  within r sysctl -qw "net.ipv4.conf.h$1.proxy_arp=1"
  on r route add "10.244.$1.0/24" via "$(underlay "$1" 2)"
  culvert "$1" "$2" tc true
}

# end_agent NUMBER PID: an agent that SIGINT ends leaves nothing behind; for one that is dead or frozen, "leave" takes away its rest.
end_agent() {
  local host=$PREFIX-h$1
  kill -INT "$2" 2>/dev/null || true
  timeout 10 tail --pid="$2" -f /dev/null || kill -KILL "$2" || true
  [ ! -e "/sys/fs/bpf/culvert/$host" ] || nsenter --net="/run/netns/$host" "$ROOT/culvert" leave --host "$host" || true
}

up() {
  local peer=${1:-} where=veth frames=''
  declare -F "peer_${peer//-/_}" >/dev/null || die "there is no contestant \"$peer\": see the top of $0."
  for word in "${@:2}"; do
    case $word in --bridge) where=bridge ;; --wire) frames=yes ;; *) die "\"$word\" is not known." ;; esac
  done
  mkdir "$WORK" 2>/dev/null || die "$WORK is there already: \"$0 down\" first."
  trap 'taken_back $?' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  topology
  case $peer in
    culvert-* | limit) ;;
    *) for i in 1 2; do "container_on_$where" "$i"; done ;;
  esac
  [ -z "$frames" ] || wire
  "peer_${peer//-/_}" 1 2
  "peer_${peer//-/_}" 2 1
  echo "ip netns exec $PREFIX-c1 ping -c 3 10.244.2.2"
  within c1 ping -c 3 -i 0.2 -W 5 10.244.2.2
}

# taken_back CODE: what "up" has begun does not stay when it ends early.
taken_back() {
  [ "$1" -eq 0 ] || {
    trap '' INT TERM
    down
    printf '%s\n' "by-hand.sh: taken away again." >&2
  }
}

# Only what "up" has made: all of it bears the prefix.
down() {
  local i node
  for i in 1 2; do
    [ ! -e "$WORK/h$i.pid" ] || end_agent "$i" "$(cat "$WORK/h$i.pid")"
    [ ! -d "/sys/fs/bpf/$PREFIX-h$i" ] || rm -r "/sys/fs/bpf/$PREFIX-h$i"
  done
  for node in c1 c2 h1 h2 r; do
    [ ! -e "/run/netns/$PREFIX-$node" ] || ip netns del "$PREFIX-$node"
  done
  rm -rf "$WORK"
}

[ "$(id -u)" -eq 0 ] || die "network namespaces need root: run \"sudo $0 $*\"."
case ${1:-} in
  up) shift && up "$@" ;;
  down) down ;;
  *) sed -n '3,9s/^# \{0,1\}//p' "$0" ;;
esac
