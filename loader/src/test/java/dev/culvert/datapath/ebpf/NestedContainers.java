// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.ebpf.TwoHosts.Host;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * What containers may have inside: the second host's container forwards to two namespaces of its
 * own, as a Docker in a container does, and both containers of {@link TwoHosts} are ends of a VXLAN
 * tunnel inside the overlay.
 *
 * <pre>
 *   P-c2 10.244.2.2 ── rt0 172.30.2.1 ─────── 172.30.2.2 P-rt   routed; ports + 1
 *                   └─ br0 172.31.2.1 ─ bp0 ─ 172.31.2.2 P-br   bridged; ports + 2
 *                   └─ back to where it came from, as its own; ports + 3
 *        nest 10.99.0.2 ═ VXLAN 99 ═ nest 10.99.0.1 P-c1
 * </pre>
 */
final class NestedContainers implements AutoCloseable {
  private static final String RULES =
      """
      table ip nested {
        chain in {
          type nat hook prerouting priority dstnat;
          iifname eth0 tcp dport 6001 dnat to 172.30.2.2:6000
          iifname eth0 udp dport 6001 dnat to 172.30.2.2:6000
          iifname eth0 udp dport 6011 dnat to 172.30.2.2:6010
          iifname eth0 icmp type echo-request ip dscp cs1 dnat to 172.30.2.2
          iifname eth0 tcp dport 6002 dnat to 172.31.2.2:6000
          iifname eth0 udp dport 6002 dnat to 172.31.2.2:6000
          iifname eth0 udp dport 6012 dnat to 172.31.2.2:6010
          iifname eth0 icmp type echo-request ip dscp cs2 dnat to 172.31.2.2
          iifname eth0 tcp dport 6003 dnat to 10.244.1.2:6000
          iifname eth0 udp dport 6003 dnat to 10.244.1.2:6000
          iifname eth0 udp dport 6013 dnat to 10.244.1.2:6010
          iifname eth0 icmp type echo-request ip dscp cs3 dnat to 10.244.1.2
        }
        chain out {
          type nat hook postrouting priority srcnat;
          oifname eth0 ip daddr 10.244.1.2 ct status dnat masquerade
        }
      }
      """;

  private final Host one;
  private final Host two;
  private final String routed;
  private final String bridged;

  NestedContainers(String prefix, Host one, Host two, Path folder) throws IOException {
    this.one = one;
    this.two = two;
    this.routed = prefix + "-rt";
    this.bridged = prefix + "-br";
    close();
    String outer = two.container();
    Commands.in(outer, "sysctl -qw net.ipv4.ip_forward=1");
    Commands.in(outer, "sysctl -qw net.ipv4.conf.eth0.send_redirects=0");
    Commands.in(outer, "sysctl -qw net.ipv4.conf.all.send_redirects=0");
    behind(routed, "rt0", "172.30.2");
    Commands.in(outer, "ip link add br0 type bridge");
    behind(bridged, "bp0", "172.31.2");
    Commands.in(outer, "ip addr del 172.31.2.1/24 dev bp0");
    Commands.in(outer, "ip link set bp0 master br0");
    Commands.in(outer, "ip addr add 172.31.2.1/24 dev br0");
    Commands.in(outer, "ip link set br0 up");
    Path rules = folder.resolve("nested.nft");
    Files.writeString(rules, RULES);
    Commands.in(outer, "nft -f " + rules);
    tunnelEnd(one, two, "10.99.0.1");
    tunnelEnd(two, one, "10.99.0.2");
  }

  private void behind(String namespace, String device, String network) {
    Commands.run("ip netns add " + namespace);
    String inOuter = "ip -n " + two.container();
    Commands.run(inOuter + " link add " + device + " type veth peer name eth0 netns " + namespace);
    Commands.run(inOuter + " addr add " + network + ".1/24 dev " + device);
    Commands.run(inOuter + " link set " + device + " up");
    Commands.in(namespace, "ip link set lo up");
    Commands.in(namespace, "ip addr add " + network + ".2/24 dev eth0");
    Commands.in(namespace, "ip link set eth0 up");
    Commands.in(namespace, "ip route add default via " + network + ".1");
  }

  private static void tunnelEnd(Host own, Host other, String address) {
    Commands.in(
        own.container(),
        "ip link add nest type vxlan id 99 dev eth0 dstport 4789 local %s remote %s"
            .formatted(own.containerAddress(), other.containerAddress()));
    Commands.in(own.container(), "ip addr add " + address + "/24 dev nest");
    Commands.in(own.container(), "ip link set nest up");
  }

  /** Whether the containers' devices leave cutting and checksums to whoever comes after them. */
  void offloads(boolean on) {
    String all = " tso X gso X tx X".replace("X", on ? "on" : "off");
    Commands.in(one.container(), "ethtool -K eth0" + all);
    for (String device : List.of("eth0", "rt0", "bp0")) {
      Commands.in(two.container(), "ethtool -K " + device + all);
    }
  }

  String routed() {
    return routed;
  }

  String bridged() {
    return bridged;
  }

  @Override
  public void close() {
    Commands.tryRun("ip netns del " + routed);
    Commands.tryRun("ip netns del " + bridged);
  }
}
