// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.host.NextHops;
import dev.culvert.datapath.host.NextHops.MtuSource;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.Netlink;
import dev.culvert.testing.RequiresRoot;
import dev.culvert.testing.TestNamespace;
import java.net.InetAddress;
import java.util.Optional;
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

  private static InetAddress address(String text) {
    return InetAddress.ofLiteral(text);
  }
}
