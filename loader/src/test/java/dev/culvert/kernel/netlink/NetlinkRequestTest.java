// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.netlink.TrafficControl.Place;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Our requests against those of iproute2, byte for byte. */
final class NetlinkRequestTest {
  private static final int VA = 2;
  private static final byte[] NO_MAC = {};

  private static InetAddress ip(String literal) {
    return InetAddress.ofLiteral(literal);
  }

  private static byte[] mac(int last) {
    return new byte[] {2, 0, 0, 0, 0, (byte) last};
  }

  private static RouteInfo route(String destination, int length, String gateway) {
    return new RouteInfo(
        ip(destination),
        length,
        VA,
        Optional.of(ip(gateway)),
        Optional.empty(),
        254,
        203,
        0,
        false);
  }

  /** What stands in netlink-requests.txt, built by us. */
  private static Map<String, NetlinkMessage> ours() {
    Map<String, NetlinkMessage> ours = new HashMap<>();
    links(ours);
    addressesAndNeighbours(ours);
    routes(ours);
    trafficControl(ours);
    return ours;
  }

  private static void links(Map<String, NetlinkMessage> ours) {
    ours.put(
        "ip link add name va mtu 1400 address 02:00:00:00:00:01 type veth"
            + " peer name eth0 mtu 1400 address 02:00:00:00:00:02 netns OTHER",
        LinkMessages.createVeth(
            new VethEnd(new InterfaceName("va"), -1, mac(1), 1400),
            new VethEnd(new InterfaceName("eth0"), 4, mac(2), 1400)));
    ours.put("ip link set dev va up", LinkMessages.setUp(VA, true));
    ours.put("ip link set dev va down", LinkMessages.setUp(VA, false));
    ours.put("ip link set dev va mtu 1300", LinkMessages.setMtu(VA, 1300));
    ours.put("ip link set dev va address 02:00:00:00:00:05", LinkMessages.setMac(VA, mac(5)));
    ours.put("ip link set dev va alias culvert", LinkMessages.setAlias(VA, "culvert"));
    ours.put(
        "ip link add name br0 type bridge", LinkMessages.createBridge(new InterfaceName("br0")));
    ours.put("ip link set dev va master br0", LinkMessages.setMaster(VA, 3));
    ours.put("ip link set dev va nomaster", LinkMessages.setMaster(VA, 0));
    ours.put(
        "ip link add name vx0 mtu 1450 address 02:00:00:00:00:0a arp off type vxlan external"
            + " dstport 4789 udp6zerocsumrx nolearning",
        LinkMessages.createExternalVxlan(new InterfaceName("vx0"), 4789, mac(10), 1450));
    ours.put(
        "ip link add name flannel.1 mtu 1350 address 02:00:00:00:00:0b type vxlan id 1"
            + " local 10.244.1.1 dev va nolearning dstport 8472",
        LinkMessages.createVxlan(
            VxlanLink.of(new InterfaceName("flannel.1"), 1, ip("10.244.1.1"), 8472)
                .over(VA)
                .with(mac(11), 1350)));
    ours.put("ip link del dev vx0", LinkMessages.delete(4));
    ours.put("ip link del dev va", LinkMessages.delete(VA));
  }

  private static void addressesAndNeighbours(Map<String, NetlinkMessage> ours) {
    AddressInfo four = new AddressInfo(VA, ip("10.244.1.1"), 24);
    AddressInfo six = new AddressInfo(VA, ip("fd00:1::1"), 64);
    ours.put("ip addr add 10.244.1.1/24 dev va", AddressMessages.add(four));
    ours.put("ip addr add fd00:1::1/64 dev va nodad", AddressMessages.add(six));
    ours.put("ip addr del 10.244.1.1/24 dev va", AddressMessages.remove(four));
    ours.put("ip addr del fd00:1::1/64 dev va", AddressMessages.remove(six));
    for (String address : List.of("10.244.1.9", "fd00:1::9")) {
      ours.put(
          "ip neigh replace " + address + " lladdr 02:00:00:00:00:09 dev va nud permanent",
          NeighbourMessages.replace(new NeighbourInfo(VA, ip(address), mac(9))));
    }
  }

  private static void trafficControl(Map<String, NetlinkMessage> ours) {
    Place ingress = new Place(VA, false, 52224, 0xc1);
    Place egress = new Place(VA, true, 52224, 0xc1);
    ProgramReference judge = new ProgramReference(4, "judge:[*fsobj]");
    String filter = " pref 52224 handle 0xc1 bpf";
    String program = " direct-action object-pinned /sys/fs/bpf/judge";
    ours.put("tc qdisc add dev va clsact", TcMessages.addClsact(VA));
    ours.put("tc filter add dev va ingress" + filter + program, TcMessages.add(ingress, judge));
    ours.put(
        "tc filter replace dev va egress" + filter + program, TcMessages.replace(egress, judge));
    ours.put("tc filter del dev va egress" + filter, TcMessages.remove(egress));
  }

  private static void routes(Map<String, NetlinkMessage> ours) {
    RouteInfo two = route("10.244.2.0", 24, "10.244.1.9");
    RouteInfo six = route("fd00:2::", 64, "fd00:1::9");
    RouteInfo direct =
        new RouteInfo(
            ip("10.244.0.0"),
            16,
            VA,
            Optional.empty(),
            Optional.of(ip("10.244.1.1")),
            0,
            0,
            0,
            false);
    RouteInfo narrow =
        new RouteInfo(
            ip("0.0.0.0"), 0, VA, two.gateway(), Optional.empty(), 1000, 203, 1300, false);
    String tail = " dev va proto 203";
    ours.put("ip route replace 10.244.2.0/24 via 10.244.1.9" + tail, RouteMessages.replace(two));
    ours.put(
        "ip route replace 10.244.3.0/24 via 192.0.2.1" + tail + " onlink",
        RouteMessages.replace(
            RouteInfo.to(ip("10.244.3.0"), 24, VA).viaOnLink(ip("192.0.2.1")).build()));
    ours.put(
        "ip route replace 10.244.0.0/16" + tail + " src 10.244.1.1", RouteMessages.replace(direct));
    ours.put(
        "ip route replace default via 10.244.1.9" + tail + " table 1000 mtu 1300",
        RouteMessages.replace(narrow));
    ours.put("ip route replace fd00:2::/64 via fd00:1::9" + tail, RouteMessages.replace(six));
    ours.put(
        "ip -6 route replace fd00:2::/64 via fe80::1 dev va onlink proto 203"
            + " encap bpf out pinned /sys/fs/bpf/judge_routed",
        RouteMessages.replace(
            RouteInfo.to(ip("fd00:2::"), 64, VA).viaOnLink(ip("fe80::1")).build(),
            new ProgramReference(4, "judge_routed:[*fsobj]")));
    ours.put("ip route del 10.244.2.0/24 via 10.244.1.9" + tail, RouteMessages.remove(two));
    ours.put("ip route del fd00:2::/64 via fd00:1::9" + tail, RouteMessages.remove(six));
    ours.put("ip route get 10.244.1.9", RouteMessages.lookup(ip("10.244.1.9"), Optional.empty()));
    ours.put("ip route get fd00:1::9", RouteMessages.lookup(ip("fd00:1::9"), Optional.empty()));
    ours.put(
        "ip route get 10.244.1.9 from 10.244.1.1",
        RouteMessages.lookup(ip("10.244.1.9"), Optional.of(ip("10.244.1.1"))));
    ours.put(
        "ip route get fd00:1::9 from fd00:1::1",
        RouteMessages.lookup(ip("fd00:1::9"), Optional.of(ip("fd00:1::1"))));
  }

  @TestFactory
  Stream<DynamicTest> sameBytesAsIproute2() {
    GoldenMessages golden = new GoldenMessages("/netlink-requests.txt");
    Map<String, NetlinkMessage> ours = ours();
    assertEquals(
        golden.commands().stream().sorted().toList(), ours.keySet().stream().sorted().toList());
    return golden.commands().stream()
        .map(command ->
            DynamicTest.dynamicTest(
                command, () -> assertSame(golden.of(command).getFirst(), ours.get(command))));
  }

  private static void assertSame(byte[] golden, NetlinkMessage ours) {
    ByteBuffer expected = ByteBuffer.wrap(golden).order(ByteOrder.LITTLE_ENDIAN);
    // "ip route get" asks for no acknowledgement, we always do.
    expected.putShort(6, (short) (expected.getShort(6) | NetlinkMessage.ACK));
    assertEquals(
        HexFormat.of().formatHex(golden), HexFormat.of().formatHex(ours.bytes(expected.getInt(8))));
  }

  @Test
  void gatewayOfAnotherFamilyGoesIntoRtaVia() {
    // Attribute 18 (RTA_VIA) of 22 bytes: struct rtvia with family 10, then the address.
    String hex =
        HexFormat.of()
            .formatHex(RouteMessages.replace(route("10.244.2.0", 24, "fd00:1::9")).bytes(0));
    assertTrue(hex.contains("160012000a00fd0000010000000000000000000000090000"), hex);
  }

  @Test
  void growsBeyondItsFirstBuffer() {
    NetlinkMessage message = new NetlinkMessage(NetlinkRequest.NEWLINK, 0);
    message.attribute(1, new byte[1000]).nest(2, () -> message.attribute(3, new byte[3000]));
    byte[] bytes = message.bytes(7);
    assertEquals(16 + 1004 + 4 + 3004, bytes.length);
    assertEquals(bytes.length, ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).getInt(0));
  }

  @Test
  void badInputIsRefusedBeforeTheKernelSeesIt() {
    assertThrows(IllegalArgumentException.class, () -> LinkMessages.setMac(VA, new byte[5]));
    assertThrows(IllegalArgumentException.class, () -> LinkMessages.delete(0));
    assertThrows(IllegalArgumentException.class, () -> LinkMessages.setAlias(VA, "x".repeat(256)));
    assertThrows(
        IllegalArgumentException.class,
        () -> LinkMessages.createExternalVxlan(new InterfaceName("vx0"), 65536, NO_MAC, 0));
    assertThrows(
        IllegalArgumentException.class,
        () -> AddressMessages.add(new AddressInfo(VA, ip("10.0.0.1"), 33)));
    assertThrows(
        IllegalArgumentException.class,
        () -> new NetlinkMessage(NetlinkRequest.NEWLINK, 0).attribute(1, new byte[65532]));
  }
}
