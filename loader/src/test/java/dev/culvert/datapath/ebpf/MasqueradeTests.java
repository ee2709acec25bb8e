// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Masquerade;
import dev.culvert.datapath.ebpf.TwoHosts.Host;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whom a server sees: outside of the overlay the host, inside of it the container. The outside is
 * behind the router of {@link TwoHosts}, over a way that takes less than the underlay, so that
 * large packets are answered by an ICMP error, which must find its way to the container.
 *
 * <pre>
 *   P-c1 ── P-h1 10.17.2.2, fd00:17::2 ── P-r ── 1300 bytes ── P-o 203.0.113.2, 2001:db8::2
 *                                                                 198.51.100.2, 2001:db8:e::2 (excepted)
 * </pre>
 *
 * The host has a table of somebody else's, with a service whose backend is the other host's
 * container.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
abstract class MasqueradeTests {
  static final int PORT = 4789;
  private static final int LAST = Integer.MAX_VALUE - 10;
  private static final String OTHERS =
      """
      table inet others {
        chain arriving {
          type nat hook prerouting priority dstnat; policy accept;
          ip daddr 10.96.0.1 dnat ip to 10.244.2.2
          ip6 daddr fd00:96::1 dnat ip6 to fd00:244:2::2
        }
        chain forwarding {
          type filter hook forward priority filter; policy accept;
          ct state invalid counter drop
        }
      }
      """;

  /** What must never be on the underlay: containers' addresses, but to where that was asked for. */
  private static final String GUARD =
      """
      table inet guard {
        chain seen {
          type filter hook prerouting priority raw; policy accept;
          ip saddr 10.244.0.0/16 ip daddr != 198.51.100.0/24 counter
          ip6 saddr fd00:244::/32 ip6 daddr != 2001:db8:e::/64 counter
        }
      }
      """;

  @TempDir static Path folder;

  private SourceServers servers;
  TwoHosts hosts;
  Host one;
  private Host two;
  private String neighbour;
  private String outside;
  private Datapath first;
  private Datapath second;
  private String others;

  /** Of the namespaces' names, the test's own. */
  abstract String prefix();

  abstract Datapath start(Host own, Host other) throws Exception;

  abstract Datapath again(Host own, Host other) throws Exception;

  @BeforeAll
  void build() throws Exception {
    servers = new SourceServers(folder);
    hosts = new TwoHosts(prefix());
    one = hosts.host(1);
    two = hosts.host(2);
    neighbour = prefix() + "-c3";
    outside = prefix() + "-o";
    for (String more : List.of(neighbour, outside)) {
      Commands.tryRun("ip netns del " + more);
      Commands.run("ip netns add " + more);
    }
    linkOutside();
    one.run("nft -f " + Files.writeString(folder.resolve("others"), OTHERS));
    others = one.run("nft -s list table inet others");
    Commands.in(hosts.router(), "nft -f " + Files.writeString(folder.resolve("guard"), GUARD));
    hosts.masquerade(
        new Masquerade(
            List.of(IpPrefix.parse("198.51.100.0/24"), IpPrefix.parse("2001:db8:e::/64"))));
    first = start(one, two);
    second = start(two, one);
    hosts.attachContainer(first, one, neighbour, "10.244.1.3", "fd00:244:1::3");
    for (String server :
        List.of(outside, neighbour, one.namespace(), two.namespace(), two.container())) {
      var _ = servers.serve(server);
    }
  }

  private void linkOutside() {
    Commands.forward(outside);
    String router = "ip -n " + hosts.router();
    for (Host host : List.of(one, two)) {
      int network = 16 + host.number();
      host.run("ip addr add fd00:%d::2/64 dev under0 nodad".formatted(network));
      host.run("ip route add default via fd00:%d::1".formatted(network));
      host.run("ip route add fd00:96::/64 via fd00:%d::1".formatted(network));
      Commands.run(
          router + " addr add fd00:%d::1/64 dev port%d nodad".formatted(network, host.number()));
    }
    Commands.run(
        router + " link add wide0 mtu 1300 type veth peer name eth0 mtu 1300 netns " + outside);
    for (String address : List.of("203.0.113.", "198.51.100.", "2001:db8::", "2001:db8:e::")) {
      String length = address.contains(":") ? "/64 nodad" : "/24";
      Commands.run(router + " addr add " + address + "1" + length + " dev wide0");
      Commands.in(outside, "ip addr add " + address + "2" + length + " dev eth0");
    }
    Commands.run(router + " link set wide0 up");
    Commands.in(outside, "ip link set eth0 up");
    Commands.in(outside, "ip route add default via 203.0.113.1");
    Commands.in(outside, "ip route add default via 2001:db8::1");
    // For what is excepted: somebody told the router of this one subnet.
    Commands.run(router + " route add 10.244.1.0/24 via 10.17.2.2");
    Commands.run(router + " route add fd00:244:1::/64 via fd00:17::2");
  }

  @AfterAll
  void tearDown() throws Exception {
    if (servers != null) {
      servers.close();
    }
    for (Datapath datapath : List.of(first, second)) {
      datapath.close();
    }
    if (hosts != null) {
      hosts.close();
      Commands.tryRun("ip netns del " + neighbour);
      Commands.tryRun("ip netns del " + outside);
    }
  }

  @AfterEach
  void othersAreLeftAsTheyWere() {
    assertEquals(others, one.run("nft -s list table inet others"));
  }

  private String seen() {
    return Commands.in(hosts.router(), "nft list table inet guard");
  }

  private void onlyHostsAreSeenOnTheUnderlay() {
    assertEquals(2, seen().split("counter packets 0 bytes 0", -1).length - 1, seen());
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "outside, 203.0.113.2, 10.17.2.2",
    "outside, 2001:db8::2, fd00:17::2",
    "excepted, 198.51.100.2, 10.244.1.2",
    "excepted, 2001:db8:e::2, fd00:244:1::2",
    "the other host, 10.18.2.2, 10.17.2.2",
    "the other host, fd00:18::2, fd00:17::2",
    "its own host, 10.17.2.2, 10.244.1.2",
    "its own host, fd00:17::2, fd00:244:1::2",
    "its gateway, 10.244.1.1, 10.244.1.2",
    "its gateway, fd00:244:1::1, fd00:244:1::2",
    "a neighbour, 10.244.1.3, 10.244.1.2",
    "a neighbour, fd00:244:1::3, fd00:244:1::2",
    "the other host's container, 10.244.2.2, 10.244.1.2",
    "the other host's container, fd00:244:2::2, fd00:244:1::2",
    "somebody's service in the overlay, 10.96.0.1, 10.244.1.2",
    "somebody's service in the overlay, fd00:96::1, fd00:244:1::2"
  })
  void theServerSees(String what, String address, String seen) throws Exception {
    assertEquals(seen + " " + seen, servers.say(one.container(), "ask", address, "8080"));
    Commands.in(one.container(), "ping -c 2 -i 0.2 -W 2 -s 3000 " + address);
    onlyHostsAreSeenOnTheUnderlay();
  }

  @ParameterizedTest
  @ValueSource(strings = {"203.0.113.2", "2001:db8::2"})
  void anErrorFindsTheContainer(String address) throws Exception {
    assertEquals("refused", servers.say(one.container(), "refused", address, "9"));
    Commands.in(one.container(), "ip route flush cache");
    Commands.in(one.container(), "ip -6 route flush cache");
    Commands.Result tooLarge =
        Commands.tryRun(
            "ip netns exec " + one.container() + " ping -M do -c 1 -W 2 -s 1350 " + address);
    assertFalse(tooLarge.exit() == 0, tooLarge.output());
    String way = Commands.in(one.container(), "ip route get " + address);
    assertTrue(way.contains("mtu 1300"), way + tooLarge.output());
    Commands.in(one.container(), "ping -c 1 -W 2 -s 1350 " + address);
  }

  /** The host itself, from its overlay address. */
  @Test
  void theHostReachesTheOutsideFromItsOverlayAddress() {
    one.run("ping -c 1 -W 2 -I 10.244.1.1 203.0.113.2");
    one.run("ping -c 1 -W 2 -I fd00:244:1::1 2001:db8::2");
    one.run("ping -c 1 -W 2 -I 10.244.1.1 10.17.2.2");
    onlyHostsAreSeenOnTheUnderlay();
  }

  @Test
  @Order(LAST)
  void itOutlivesTheProcess() throws Exception {
    String rules = one.run("nft list table inet culvert0");
    first.close();
    assertEquals(rules, one.run("nft list table inet culvert0"));
    Commands.in(one.container(), "ping -c 1 -W 2 203.0.113.2");
    Commands.in(one.container(), "ping -c 1 -W 2 2001:db8::2");
    first = again(one, two);
    assertEquals(rules, one.run("nft list table inet culvert0"));
    one.run("nft delete table inet culvert0");
    boolean _ = first.refresh();
    assertEquals(rules, one.run("nft list table inet culvert0"));
  }

  @Test
  @Order(LAST + 1)
  void packetsThatAreRoutedDirectlyKeepTheirSource() throws Exception {
    hosts.routeDirectly(first, one, two);
    hosts.routeDirectly(second, two, one);
    assertEquals(
        "10.244.1.2 10.244.1.2", servers.say(one.container(), "ask", "10.244.2.2", "8080"));
    assertEquals(2, seen().split("counter packets 0 bytes 0", -1).length, seen()); // bare they were
  }

  @Test
  @Order(LAST + 2)
  void itEndsWithTheMembership() {
    first.remove();
    assertEquals(others, one.run("nft -s list ruleset"));
  }
}
