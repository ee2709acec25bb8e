// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Counter;
import dev.culvert.datapath.Decapsulation;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.ebpf.TwoHosts.Host;
import dev.culvert.datapath.host.ContainerInterface;
import dev.culvert.testing.RequiresRoot;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Real frames that nobody may send, from a container and from the underlay: each is dropped where
 * it should be, under its own counter, and no victim sees any. attacks.py makes them, with scapy.
 * The hosts are as careless as Linux lets them: no reverse-path filter, and masquerade for what
 * leaves the overlay, which would make a container's own tunnel packet look like its host's.
 */
@RequiresRoot
@Tag("netns")
class SpoofingNetnsTest {
  private static final int PORT = 4789;
  private static final String NEIGHBOUR = "10.244.1.3";

  @TempDir static Path folder;

  private static Path script;
  private static TwoHosts hosts;
  static Host one;
  private static Host two;
  private static String neighbour;
  static EbpfDatapath first;
  private static EbpfDatapath second;
  private static Peer container;
  static Peer underlay;
  private static Peer heardRemotely;
  static Peer heardNearby;
  private static Decapsulation decapsulation = Decapsulation.TC;

  @BeforeAll
  static void build() throws Exception {
    script = Peer.script(folder, "attacks.py");
    hosts = new TwoHosts("cv-sf");
    one = hosts.host(1);
    two = hosts.host(2);
    neighbour = "cv-sf-c3";
    Commands.tryRun("ip netns del " + neighbour);
    Commands.run("ip netns add " + neighbour);
    for (Host host : List.of(one, two)) {
      for (String rule : List.of("all", "default", "under0")) {
        host.run("sysctl -qw net.ipv4.conf." + rule + ".rp_filter=0");
      }
    }
    first = hosts.startCulvert(one, two, PORT);
    second = hosts.startCulvert(two, one, PORT);
    hosts.attachContainer(first, one, neighbour, NEIGHBOUR);
    Path rules = folder.resolve("masquerade");
    Files.writeString(
        rules,
        """
        table ip test {
          chain out {
            type nat hook postrouting priority srcnat;
            ip saddr 10.244.0.0/16 ip daddr != 10.244.0.0/16 masquerade
          }
          chain in {
            type nat hook prerouting priority dstnat;
            ip daddr 10.96.0.10 dnat to 10.244.2.2
          }
        }
        """);
    one.run("nft -f " + rules);
    startPeers();
  }

  private static void startPeers() throws Exception {
    container =
        Peer.start(
            one.container(),
            script,
            "send",
            "eth0",
            mac(one.container(), "eth0"),
            mac(one.namespace(), ContainerInterface.hostName(TwoHosts.VNI, address(one)).text()),
            mac(neighbour, "eth0"));
    underlay =
        Peer.start(
            hosts.router(),
            script,
            "send",
            "port1",
            mac(hosts.router(), "port1"),
            mac(one.namespace(), "under0"),
            two.mac().toString());
    heardRemotely = Peer.start(two.container(), script, "listen");
    heardNearby = Peer.start(neighbour, script, "listen");
    assertEquals("ready", heardRemotely.read());
    assertEquals("ready", heardNearby.read());
  }

  @AfterAll
  static void tearDown() {
    for (Peer peer : new Peer[] {container, underlay, heardRemotely, heardNearby}) {
      if (peer != null) {
        peer.close();
      }
    }
    for (EbpfDatapath datapath : new EbpfDatapath[] {first, second}) {
      if (datapath != null) {
        datapath.close();
      }
    }
    if (hosts != null) {
      hosts.close();
      Commands.tryRun("ip netns del " + neighbour);
    }
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "address, DROPPED_INNER_SOURCE",
    "address to neighbour, DROPPED_INNER_SOURCE",
    "address and MAC, DROPPED_INNER_MAC",
    "tunnel, DROPPED_TUNNEL_FROM_CONTAINER",
    "tunnel with options, DROPPED_TUNNEL_FROM_CONTAINER",
    "tunnel in fragments, DROPPED_TUNNEL_FROM_CONTAINER",
    "tunnel to the gateway, DROPPED_OUTER_SOURCE",
    "tunnel as the other VTEP, DROPPED_INNER_SOURCE",
    "broadcast as the other VTEP, DROPPED_INNER_SOURCE",
    "link-local tunnel, DROPPED_TUNNEL_FROM_CONTAINER",
    "link-local tunnel behind an extension header, DROPPED_TUNNEL_FROM_CONTAINER",
    "tag, DROPPED_VLAN",
    "priority tag, DROPPED_VLAN",
    "two priority tags, DROPPED_VLAN",
    "QinQ, DROPPED_VLAN",
    "router advertisement, DROPPED_ROUTER_ADVERTISEMENT",
    "ARP as another, DROPPED_INNER_SOURCE",
    "neighbour solicitation as another, DROPPED_INNER_SOURCE",
    "a router's word on the tunnel, DROPPED_TUNNEL_FROM_CONTAINER",
  })
  void noContainerMay(String attack, Verdict verdict) throws Exception {
    expect(container, attack, verdict, "own", heardRemotely);
  }

  @Test
  void theHostKeepsNothingOfInventedNeighbours() throws Exception {
    noContainerMay("ARP as another", Verdict.DROPPED_INNER_SOURCE);
    noContainerMay("neighbour solicitation as another", Verdict.DROPPED_INNER_SOURCE);
    String neighbours = Commands.run("ip -n " + one.namespace() + " neigh show");
    assertFalse(
        neighbours.contains("10.244.1.99") || neighbours.contains("fe80::1234"), neighbours);
  }

  @Test
  void aRouterAdvertisementChangesNoRoutes() throws Exception {
    noContainerMay("router advertisement", Verdict.DROPPED_ROUTER_ADVERTISEMENT);
    String routes = Commands.run("ip -n " + one.namespace() + " -6 route show");
    assertFalse(routes.contains("fd00:bad"), routes);
  }

  @ParameterizedTest(name = "{0}, {2}")
  @CsvSource({
    "outer source, DROPPED_OUTER_SOURCE, TC",
    "inner source is ours, DROPPED_OUTER_SOURCE, TC",
    "inner source is nobody's, DROPPED_OUTER_SOURCE, TC",
    "VNI, DROPPED_UNKNOWN_VNI, TC",
    "outer source in fragments, DROPPED_OUTER_SOURCE, TC",
    "outer source with options, DROPPED_OUTER_SOURCE, TC",
    "in a VLAN of the underlay, PASSED, TC",
    "bare, DROPPED_OUTER_SOURCE, TC",
    "bare behind a priority tag, DROPPED_OUTER_SOURCE, TC",
    "bare behind a service priority tag and another, DROPPED_OUTER_SOURCE, TC",
    "behind five priority tags, DROPPED_VLAN, TC",
    "'bare, as ours, to the other host', DROPPED_OUTER_SOURCE, TC",
    "'bare, as ours, to a container', DROPPED_OUTER_SOURCE, TC",
    "outer source, DROPPED_OUTER_SOURCE, XDP",
    "inner source is ours, DROPPED_OUTER_SOURCE, XDP",
    "inner source is nobody's, DROPPED_OUTER_SOURCE, XDP",
    "VNI, DROPPED_UNKNOWN_VNI, XDP",
    "outer source in fragments, DROPPED_OUTER_SOURCE, XDP",
    "outer source with options, DROPPED_OUTER_SOURCE, XDP",
    "in a VLAN of the underlay, PASSED, XDP",
    "bare, DROPPED_OUTER_SOURCE, XDP",
    "bare behind a priority tag, DROPPED_OUTER_SOURCE, XDP",
    "bare behind a service priority tag and another, DROPPED_OUTER_SOURCE, XDP",
    "behind five priority tags, DROPPED_VLAN, XDP",
  })
  void nobodyOnTheUnderlayMay(String attack, Verdict verdict, Decapsulation where)
      throws Exception {
    if (where != decapsulation) {
      hosts.takeOver(one, PORT, where).close();
      decapsulation = where;
    }
    expect(underlay, attack, verdict, "good", heardNearby);
  }

  /**
   * The attack moves its counter on host 1, and of what the victims hear only the honest packet
   * sent after it: so the attack had time to arrive.
   */
  private static void expect(
      Peer attacker, String attack, Verdict verdict, String honest, Peer victim) throws Exception {
    Map<Verdict, Counter> before = first.counters();
    assertEquals("sent " + attack, attacker.ask(attack));
    assertTrue(moved(before, verdict), () -> attack + ": " + changes(before, first.counters()));
    assertEquals("sent " + honest, attacker.ask(honest));
    assertEquals(honest, victim.read(), attack);
    // The other victim heard nothing either, up to a packet that goes its way.
    Peer other = victim == heardNearby ? heardRemotely : heardNearby;
    String probe = victim == heardNearby ? "own" : "good";
    Peer prober = victim == heardNearby ? container : underlay;
    assertEquals("sent " + probe, prober.ask(probe));
    assertEquals(probe, other.read(), attack);
  }

  static boolean moved(Map<Verdict, Counter> before, Verdict verdict) throws InterruptedException {
    for (int i = 0; i < 100; i++) {
      if (first.counters().get(verdict).packets() > before.get(verdict).packets()) {
        return true;
      }
      Thread.sleep(10);
    }
    return false;
  }

  private static String changes(Map<Verdict, Counter> before, Map<Verdict, Counter> after) {
    List<String> changes = new ArrayList<>();
    after.forEach((verdict, counter) -> {
      long more = counter.packets() - before.get(verdict).packets();
      if (more != 0) {
        changes.add(verdict + " +" + more);
      }
    });
    return changes.toString();
  }

  private static java.net.InetAddress address(Host host) {
    return java.net.InetAddress.ofLiteral(host.containerAddress());
  }

  private static String mac(String namespace, String device) {
    return Commands.in(namespace, "cat /sys/class/net/" + device + "/address").strip();
  }
}
