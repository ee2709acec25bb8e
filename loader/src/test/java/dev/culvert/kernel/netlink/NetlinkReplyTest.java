// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the kernel answered, read by us. */
final class NetlinkReplyTest {
  private static final GoldenMessages GOLDEN = new GoldenMessages("/netlink-replies.txt");

  private static InetAddress ip(String literal) {
    return InetAddress.ofLiteral(literal);
  }

  private static Stream<NetlinkReply> replies(String command, int type) {
    return GOLDEN.of(command).stream()
        .flatMap(datagram -> NetlinkReply.parse(datagram).stream())
        .filter(reply -> reply.type() == type);
  }

  @Test
  void links() {
    List<LinkInfo> links =
        replies("link show", NetlinkRequest.NEWLINK).map(LinkMessages::parse).toList();
    assertEquals(List.of("lo", "br0", "va"), links.stream().map(LinkInfo::name).toList());
    assertEquals(List.of("", "bridge", "veth"), links.stream().map(LinkInfo::kind).toList());
    assertEquals(List.of(65536, 1400, 1400), links.stream().map(LinkInfo::mtuBytes).toList());
    assertEquals(List.of(false, true, true), links.stream().map(LinkInfo::up).toList());
    LinkInfo va = links.getLast();
    assertEquals(3, va.index());
    assertEquals(2, va.masterIndex());
    assertEquals(2, va.peerIndex());
    assertEquals(0, va.peerNamespaceId());
    assertEquals(-1, links.getFirst().peerNamespaceId());
    assertEquals("culvert endpoint", va.alias());
    assertArrayEquals(new byte[] {2, 0, 0, 0, 0, 1}, va.mac());
  }

  @Test
  void addresses() {
    List<AddressInfo> addresses =
        replies("addr show", NetlinkRequest.NEWADDR)
            .map(AddressMessages::parse)
            .flatMap(Optional::stream)
            .filter(address -> !address.address().isLinkLocalAddress())
            .toList();
    assertEquals(
        List.of(
            new AddressInfo(3, ip("10.244.1.1"), 24),
            new AddressInfo(3, ip("10.9.9.1"), 32),
            new AddressInfo(3, ip("fd00:1::1"), 64)),
        addresses);
  }

  @Test
  void routesWithTheirNextHops() {
    List<RouteInfo> routes =
        replies("-4 route show table all", NetlinkRequest.NEWROUTE)
            .flatMap(reply -> RouteMessages.parse(reply).stream())
            .toList();
    Optional<InetAddress> none = Optional.empty();
    Optional<InetAddress> nine = Optional.of(ip("10.244.1.9"));
    Optional<InetAddress> seven = Optional.of(ip("10.244.1.7"));
    Optional<InetAddress> eight = Optional.of(ip("fd00:1::8"));
    Optional<InetAddress> self = Optional.of(ip("10.244.1.1"));
    assertTrue(
        routes.containsAll(
            List.of(
                new RouteInfo(ip("10.244.2.0"), 24, 3, nine, none, 254, 203, 1300, false),
                new RouteInfo(ip("10.244.3.0"), 24, 3, seven, none, 254, 203, 0, true),
                new RouteInfo(ip("10.244.3.0"), 24, 3, eight, none, 254, 203, 0, false),
                new RouteInfo(ip("0.0.0.0"), 0, 3, nine, none, 1000, 3, 0, false),
                new RouteInfo(ip("10.244.1.1"), 32, 3, none, self, 255, 2, 0, false))),
        routes::toString);
    InetAddress blackhole = ip("10.66.0.0");
    assertTrue(routes.stream().noneMatch(route -> route.destination().equals(blackhole)));
  }

  @Test
  void extendedAcknowledgements() {
    NetlinkReply mtu = replies("link set va mtu 3", NetlinkReply.ERROR).findFirst().orElseThrow();
    assertEquals(22, mtu.errno());
    assertEquals("mtu less than device minimum", mtu.kernelText());
    NetlinkReply route =
        replies("route add 10.7.0.0/16 via 8.8.8.8", NetlinkReply.ERROR).findFirst().orElseThrow();
    assertEquals(101, route.errno());
    assertEquals("Nexthop has invalid gateway", route.kernelText());
  }

  @Test
  void mappedAddressesStayInTheirFamily() {
    byte[] mapped = new byte[16];
    mapped[10] = -1;
    mapped[11] = -1;
    assertEquals(Inet6Address.class, NetlinkAttributes.toAddress(mapped).getClass());
  }

  /** Reads a datagram in every way that we read one. */
  private static int readAll(byte[] datagram) {
    int read = 0;
    for (NetlinkReply reply : NetlinkReply.parse(datagram)) {
      read +=
          switch (reply.type()) {
            case NetlinkRequest.NEWLINK -> LinkMessages.parse(reply).index();
            case NetlinkRequest.NEWADDR -> AddressMessages.parse(reply).hashCode();
            case NetlinkRequest.NEWROUTE ->
                RouteMessages.parse(reply).size() + RouteMessages.parseLookup(reply).hashCode();
            default -> reply.errno() + reply.kernelText().length();
          };
    }
    return read;
  }

  private static void readsOrRefuses(byte[] datagram, String what) {
    try {
      int _ = readAll(datagram);
    } catch (KernelException malformed) {
      assertEquals(Errno.EIO, malformed.errno(), what);
      assertTrue(malformed.getMessage().contains("malformed"), malformed.getMessage());
    } catch (RuntimeException crash) {
      throw new AssertionError(what, crash);
    }
  }

  @Test
  void truncatedAnswersAreRefused() {
    for (String command : GOLDEN.commands()) {
      for (byte[] datagram : GOLDEN.of(command)) {
        for (int length = 0; length < datagram.length; length++) {
          readsOrRefuses(Arrays.copyOf(datagram, length), command + " cut to " + length);
        }
      }
    }
    byte[] whole = GOLDEN.of("link show").getFirst();
    byte[] cut = Arrays.copyOf(whole, whole.length - 1);
    assertThrows(KernelException.class, () -> readAll(cut));
  }

  @Test
  void damagedAnswersAreReadOrRefused() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int i = 0; i < 20_000; i++) {
      List<String> commands = GOLDEN.commands();
      List<byte[]> datagrams = GOLDEN.of(commands.get(random.nextInt(commands.size())));
      byte[] damaged = datagrams.get(random.nextInt(datagrams.size())).clone();
      for (int n = random.nextInt(4); n >= 0; n--) {
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
      }
      readsOrRefuses(damaged, "seed " + seed + ", round " + i);
    }
  }
}
