// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.host.NextHops;
import dev.culvert.datapath.host.NextHops.MtuSource;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.netlink.Netlink;
import dev.culvert.testing.RequiresRoot;
import dev.culvert.testing.TestNamespace;
import java.net.InetAddress;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A host with one underlay interface, 10.17.2.2 and fd17::2, whose routes iproute2 writes. */
@RequiresRoot
@Tag("netns")
final class NextHopsNetnsTest {
  private static final InetAddress OWN = address("10.17.2.2");
  private static final InetAddress OWN6 = address("fd17::2");
  private static final InetAddress ROUTER = address("10.17.2.1");

  private TestNamespace host;
  private Netlink netlink;
  private int underlay;
  private Optional<InetAddress> vtep = Optional.empty();

  @BeforeEach
  void build() throws Exception {
    host = TestNamespace.create();
    netlink = host.call(() -> Netlink.open(Libc.system()));
    ip("link add under0 mtu 1500 type veth peer name wire");
    ip("link set wire up");
    ip("link set under0 up");
    ip("addr add 10.17.2.2/24 dev under0");
    ip("addr add fd17::2/64 dev under0 nodad");
    underlay = host.interfaceIndex("under0");
  }

  @AfterEach
  void close() throws Exception {
    netlink.close();
    host.close();
  }

  private void ip(String words) throws Exception {
    host.run(("ip " + words).split(" ", -1));
  }

  private Optional<NextHop> way(MtuSource mtuSource, String to) {
    return new NextHops(netlink, mtuSource, () -> vtep).to(address(to));
  }

  private Optional<NextHop> way(String to) {
    return way(MtuSource.ROUTE, to);
  }

  @Test
  void aNeighbourIsItsOwnGatewayAndOthersAreBehindARouter() throws Exception {
    ip("route add 10.18.0.0/16 via 10.17.2.1");
    assertEquals(
        Optional.of(new NextHop(underlay, OWN, address("10.17.2.9"), 1500, true)),
        way("10.17.2.9"));
    assertEquals(Optional.of(new NextHop(underlay, OWN, ROUTER, 1500, false)), way("10.18.2.2"));
    assertEquals(
        Optional.of(new NextHop(underlay, OWN6, address("fd17::9"), 1500, true)), way("fd17::9"));
  }

  @Test
  void packetsLeaveWithTheVtepsAddressWhateverTheRoutePrefers() throws Exception {
    ip("addr add 10.17.2.7/24 dev under0");
    ip("route add 10.18.0.0/16 via 10.17.2.1 src 10.17.2.7");
    assertEquals(Optional.of(address("10.17.2.7")), way("10.18.2.2").map(NextHop::source));
    vtep = Optional.of(OWN);
    assertEquals(Optional.of(OWN), way("10.18.2.2").map(NextHop::source));
    // A VTEP of the other family cannot be the source.
    vtep = Optional.of(OWN6);
    assertEquals(Optional.of(address("10.17.2.7")), way("10.18.2.2").map(NextHop::source));
    assertEquals(Optional.of(OWN6), way("fd17::9").map(NextHop::source));
  }

  @Test
  void aRoutesOwnMtuCountsWhereItIsAskedFor() throws Exception {
    ip("route add 10.18.0.0/16 via 10.17.2.1 mtu 1400");
    assertEquals(Optional.of(1400), way(MtuSource.ROUTE, "10.18.2.2").map(NextHop::mtuBytes));
    assertEquals(Optional.of(1500), way(MtuSource.INTERFACE, "10.18.2.2").map(NextHop::mtuBytes));
    assertEquals(Optional.of(1500), way(MtuSource.ROUTE, "10.17.2.9").map(NextHop::mtuBytes));
  }

  @Test
  void noRouteTheTunnelsDeviceAndThisHostLeadNowhere() throws Exception {
    assertEquals(Optional.empty(), way("10.18.2.2"));
    assertEquals(Optional.empty(), way("10.17.2.2"));
    ip("link add culvert0 type bridge");
    ip("link set culvert0 up");
    ip("addr add 10.244.1.1/16 dev culvert0");
    assertEquals(Optional.empty(), way("10.244.9.9"));
  }

  @Test
  void rulesByTheVtepsAddressChooseTheTable() throws Exception {
    ip("route add 10.18.0.0/16 via 10.17.2.1");
    ip("route add 10.18.0.0/16 via 10.17.2.5 table 10");
    ip("rule add from 10.17.2.2 table 10");
    ip("route add fd18::/64 via fd17::1");
    ip("route add fd18::/64 via fd17::5 table 10");
    ip("-6 rule add from fd17::2 table 10");
    assertEquals(Optional.of(ROUTER), way("10.18.2.2").map(NextHop::gateway));
    vtep = Optional.of(OWN);
    assertEquals(Optional.of(address("10.17.2.5")), way("10.18.2.2").map(NextHop::gateway));
    vtep = Optional.of(OWN6);
    assertEquals(Optional.of(address("fd17::5")), way("fd18::2").map(NextHop::gateway));
    // What its rule forbids has no way, though others would have one.
    vtep = Optional.of(OWN);
    ip("route replace unreachable 10.18.0.0/16 table 10");
    assertEquals(Optional.empty(), way("10.18.2.2"));
    // An address that is gone from the host is no reason to find nothing.
    vtep = Optional.of(address("10.17.9.9"));
    assertEquals(Optional.of(ROUTER), way("10.18.2.2").map(NextHop::gateway));
  }

  @Test
  void nexthopObjectsAreFollowed() throws Exception {
    vtep = Optional.of(OWN);
    ip("nexthop add id 7 via 10.17.2.6 dev under0");
    ip("route add 10.19.0.0/16 nhid 7");
    assertEquals(Optional.of(address("10.17.2.6")), way("10.19.2.2").map(NextHop::gateway));
    ip("nexthop replace id 7 via 10.17.2.8 dev under0");
    assertEquals(Optional.of(address("10.17.2.8")), way("10.19.2.2").map(NextHop::gateway));
    ip("nexthop add id 9 via fd17::6 dev under0");
    ip("route add fd19::/64 nhid 9");
    vtep = Optional.of(OWN6);
    assertEquals(Optional.of(address("fd17::6")), way("fd19::2").map(NextHop::gateway));
  }

  /**
   * One for each VTEP, and always the same; the VTEPs spread over all, where this host's is on none
   * of the links (Linux 6.16 prefers the link that has it).
   */
  @Test
  void ofSeveralNextHopsOneIsKept() throws Exception {
    ip("link set lo up");
    ip("addr add 10.50.0.1/32 dev lo");
    vtep = Optional.of(address("10.50.0.1"));
    ip("link add under1 mtu 1500 type veth peer name wire1");
    ip("link set wire1 up");
    ip("link set under1 up");
    ip("addr add 10.27.2.2/24 dev under1");
    ip("route add 10.18.0.0/16 nexthop via 10.17.2.1 nexthop via 10.27.2.1");
    int other = host.interfaceIndex("under1");
    Set<Integer> used = new HashSet<>();
    for (int i = 1; i < 64; i++) {
      Optional<NextHop> way = way("10.18.2." + i);
      assertEquals(way, way("10.18.2." + i));
      used.add(way.orElseThrow().interfaceIndex());
    }
    assertEquals(Set.of(underlay, other), used);
    ip("link set under1 down");
    for (int i = 1; i < 64; i++) {
      assertEquals(Optional.of(ROUTER), way("10.18.2." + i).map(NextHop::gateway));
    }
  }

  private static InetAddress address(String text) {
    return InetAddress.ofLiteral(text);
  }
}
