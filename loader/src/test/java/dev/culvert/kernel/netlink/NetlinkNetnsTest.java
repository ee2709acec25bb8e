// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.testing.RequiresRoot;
import dev.culvert.testing.TestNamespace;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What we do to a namespace, as iproute2 sees it; and what iproute2 does, as we see it. */
@Tag("netns")
@RequiresRoot
final class NetlinkNetnsTest {
  private static final byte[] MAC = {2, 0, 0, 0, 0, 1};
  private static final byte[] PEER_MAC = {2, 0, 0, 0, 0, 2};

  private TestNamespace here;
  private TestNamespace there;
  private NetNamespace peer;
  private Netlink netlink;

  @BeforeEach
  void open() throws Exception {
    here = TestNamespace.create();
    there = TestNamespace.create();
    try (NetNamespace namespace = NetNamespace.named(Libc.system(), here.name())) {
      netlink = Netlink.open(Libc.system(), namespace);
    }
    peer = NetNamespace.named(Libc.system(), there.name());
  }

  @AfterEach
  void close() throws Exception {
    netlink.close();
    peer.close();
    here.close();
    there.close();
  }

  private static InetAddress ip(String literal) {
    return InetAddress.ofLiteral(literal);
  }

  /** A veth pair, up on both sides, with addresses of both families here. */
  private int veth() throws Exception {
    netlink.createVeth(
        new VethEnd(new InterfaceName("va"), -1, MAC, 1400),
        new VethEnd(new InterfaceName("eth0"), peer.fd(), PEER_MAC, 1400));
    int index = netlink.link(new InterfaceName("va")).orElseThrow().index();
    netlink.setUp(index, true);
    there.run("ip", "link", "set", "eth0", "up");
    netlink.addAddress(index, ip("10.244.1.1"), 24);
    netlink.addAddress(index, ip("fd00:1::1"), 64);
    return index;
  }

  private void seen(String command, String... parts) throws Exception {
    contains(here.run(command.split(" ")), parts);
  }

  private static void contains(String output, String... parts) {
    for (String part : parts) {
      assertTrue(output.contains(part), () -> "no " + part + " in " + output);
    }
  }

  private static KernelException refusal(Runnable call) {
    return assertThrows(KernelException.class, call::run);
  }

  @Test
  void temporaryAndDeprecatedAddressesAreNotToBeCountedOn() throws Exception {
    int _ = veth();
    String _ = here.run("sysctl", "-qw", "net.ipv6.conf.va.use_tempaddr=2");
    String add = "ip address add dev va nodad valid_lft 9000 preferred_lft ";
    String _ = here.run((add + "8000 2001:db8:7::1/64 mngtmpaddr").split(" ")); // and one more
    String _ = here.run((add + "0 2001:db8:8::1/64").split(" "));
    String _ = here.run("ip", "address", "add", "10.244.1.7/24", "dev", "va"); // secondary
    seen("ip -j address show va", "\"temporary\":true", "\"deprecated\":true", "\"secondary\"");
    assertEquals(2, within("2001:db8:7:", netlink.addresses()).size());
    assertEquals(List.of("2001:db8:7::1"), within("2001:db8:7:", netlink.lastingAddresses()));
    assertEquals(List.of("2001:db8:8::1"), within("2001:db8:8:", netlink.addresses()));
    assertEquals(List.of(), within("2001:db8:8:", netlink.lastingAddresses()));
    assertEquals(
        List.of("10.244.1.1", "10.244.1.7"), within("10.244.", netlink.lastingAddresses()));
  }

  private static List<String> within(String beginning, List<AddressInfo> addresses) {
    return addresses.stream()
        .map(AddressInfo::address)
        .map(IpAddresses::text)
        .filter(text -> text.startsWith(beginning))
        .toList();
  }

  @Test
  void vethWithItsPeerElsewhere() throws Exception {
    int index = veth();
    netlink.setAlias(index, "culvert: endpoint");
    seen(
        "ip -j -d link show va",
        "\"ifname\":\"va\"",
        "\"mtu\":1400",
        "\"address\":\"02:00:00:00:00:01\"",
        "\"ifalias\":\"culvert: endpoint\"",
        "\"info_kind\":\"veth\"",
        "\"UP\"");
    contains(
        there.run("ip", "-j", "link", "show", "eth0"),
        "\"mtu\":1400",
        "\"address\":\"02:00:00:00:00:02\"");
    LinkInfo link = netlink.link(index).orElseThrow();
    assertEquals("va", link.name());
    assertEquals("veth", link.kind());
    assertEquals("culvert: endpoint", link.alias());
    assertTrue(link.up());
    assertArrayEquals(MAC, link.mac());
    assertEquals(there.interfaceIndex("eth0"), link.peerIndex());
    assertTrue(link.peerNamespaceId() >= 0);
    assertTrue(netlink.link(new InterfaceName("vb")).isEmpty());
    assertTrue(netlink.link(4711).isEmpty());
  }

  @Test
  void changesOfALink() throws Exception {
    int index = veth();
    netlink.setMtu(index, 1300);
    netlink.setMac(index, new byte[] {2, 0, 0, 0, 0, 7});
    netlink.createBridge(new InterfaceName("br0"));
    int bridge = netlink.link(new InterfaceName("br0")).orElseThrow().index();
    netlink.setMaster(index, bridge);
    seen(
        "ip -j link show va",
        "\"mtu\":1300",
        "\"address\":\"02:00:00:00:00:07\"",
        "\"master\":\"br0\"");
    assertEquals(bridge, netlink.link(new InterfaceName("va")).orElseThrow().masterIndex());
    netlink.setMaster(index, 0);
    assertEquals(0, netlink.link(new InterfaceName("va")).orElseThrow().masterIndex());
    netlink.setUp(index, false);
    assertFalse(netlink.link(new InterfaceName("va")).orElseThrow().up());
    netlink.setAlias(index, "x");
    netlink.setAlias(index, "");
    assertEquals("", netlink.link(new InterfaceName("va")).orElseThrow().alias());
    netlink.deleteLink(index);
    assertTrue(netlink.link(new InterfaceName("va")).isEmpty());
  }

  @Test
  void externalVxlanAndItsPort() throws Exception {
    netlink.createExternalVxlan(new InterfaceName("vx0"), 4789, MAC, 1450);
    int index = netlink.link(new InterfaceName("vx0")).orElseThrow().index();
    netlink.setUp(index, true);
    seen(
        "ip -d link show vx0",
        "vxlan external",
        "dstport 4789",
        "nolearning",
        "udp6zerocsumrx",
        "mtu 1450",
        "NOARP",
        "02:00:00:00:00:01");
    contains(
        refusal(() -> netlink.createExternalVxlan(new InterfaceName("vx1"), 4789, MAC, 0))
            .getMessage(),
        "EEXIST",
        "another VXLAN device has that port");
    netlink.createVxlan(
        VxlanLink.of(new InterfaceName("flannel.1"), 1, ip("10.17.2.2"), 4789).with(MAC, 0));
    int other = netlink.link(new InterfaceName("flannel.1")).orElseThrow().index();
    contains(
        refusal(() -> netlink.setUp(other, true)).getMessage(),
        "EADDRINUSE",
        "another interface or socket uses that address and port");
  }

  @Test
  void vxlanAsFlannelSetsItUp() throws Exception {
    int underlay = veth();
    netlink.createVxlan(
        VxlanLink.of(new InterfaceName("flannel.1"), 1, ip("10.244.1.1"), 8472)
            .over(underlay)
            .with(MAC, 1350));
    netlink.createVxlan(
        VxlanLink.of(new InterfaceName("flannel-v6.1"), 1, ip("fd00:1::1"), 8472)
            .over(underlay)
            .with(MAC, 1330));
    seen("ip -d link show flannel.1", "vxlan id 1 local 10.244.1.1 dev va", "8472 nolearning");
    seen("ip -d link show flannel-v6.1", "vxlan id 1 local fd00:1::1 dev va", "8472 nolearning");
  }

  @Test
  void addressesOfBothFamilies() throws Exception {
    int index = veth();
    seen("ip -o addr show dev va", "inet 10.244.1.1/24", "inet6 fd00:1::1/64");
    assertFalse(here.run("ip", "addr", "show", "dev", "va").contains("fd00:1::1/64 tentative"));
    assertTrue(
        netlink
            .addresses()
            .containsAll(
                List.of(
                    new AddressInfo(index, ip("10.244.1.1"), 24),
                    new AddressInfo(index, ip("fd00:1::1"), 64))));
    assertEquals(
        Errno.EEXIST, refusal(() -> netlink.addAddress(index, ip("10.244.1.1"), 24)).errno());
    netlink.removeAddress(index, ip("10.244.1.1"), 24);
    netlink.removeAddress(index, ip("fd00:1::1"), 64);
    String left = here.run("ip", "-o", "addr", "show", "dev", "va");
    assertFalse(left.contains("10.244.1.1") || left.contains("fd00:1::1"), left);
    assertEquals(
        Errno.EADDRNOTAVAIL,
        refusal(() -> netlink.removeAddress(index, ip("10.244.1.1"), 24)).errno());
  }

  private static RouteInfo route(String to, int length, int index, String via) {
    return new RouteInfo(
        ip(to),
        length,
        index,
        via.isEmpty() ? Optional.empty() : Optional.of(ip(via)),
        Optional.empty(),
        RouteInfo.TABLE_MAIN,
        RouteInfo.OUR_PROTOCOL,
        0,
        false);
  }

  @Test
  void routesOfBothFamilies() throws Exception {
    int index = veth();
    RouteInfo four = route("10.244.2.0", 24, index, "10.244.1.9");
    RouteInfo six = route("fd00:2::", 64, index, "fd00:1::9");
    RouteInfo far = RouteInfo.to(ip("10.244.3.0"), 24, index).viaOnLink(ip("192.0.2.1")).build();
    RouteInfo far6 = RouteInfo.to(ip("fd00:3::"), 64, index).viaOnLink(ip("2001:db8::1")).build();
    RouteInfo mixed = route("10.244.4.0", 24, index, "fd00:1::9");
    RouteInfo direct = route("10.245.0.0", 16, index, "");
    RouteInfo direct6 = route("fd00:5::", 64, index, "");
    List<RouteInfo> ours = List.of(four, six, far, far6, mixed, direct, direct6);
    for (RouteInfo route : ours) {
      netlink.routes().replace(route);
      netlink.routes().replace(route);
    }
    seen(
        "ip route",
        "10.244.2.0/24 via 10.244.1.9 dev va proto 203",
        "10.244.3.0/24 via 192.0.2.1 dev va proto 203 onlink",
        "10.244.4.0/24 via inet6 fd00:1::9 dev va proto 203",
        "10.245.0.0/16 dev va proto 203 scope link");
    seen(
        "ip -6 route",
        "fd00:2::/64 via fd00:1::9 dev va proto 203",
        "fd00:3::/64 via 2001:db8::1 dev va proto 203",
        "fd00:5::/64 dev va proto 203");
    assertTrue(netlink.routes().all().containsAll(ours), () -> netlink.routes().all().toString());
    for (RouteInfo route : ours) {
      assertTrue(netlink.routes().remove(route), route::toString);
      assertFalse(netlink.routes().remove(route), route::toString);
    }
    assertTrue(
        netlink.routes().all().stream().noneMatch(r -> r.protocol() == RouteInfo.OUR_PROTOCOL));
  }

  @Test
  void aForeignRouteIsNotRemoved() throws Exception {
    int index = veth();
    here.run("ip", "route", "add", "10.244.2.0/24", "via", "10.244.1.9", "proto", "static");
    assertFalse(netlink.routes().remove(route("10.244.2.0", 24, index, "10.244.1.9")));
    seen("ip route", "10.244.2.0/24 via 10.244.1.9 dev va proto static");
  }

  @Test
  void theRouteThatTheKernelWouldTake() throws Exception {
    int index = veth();
    for (String[] one :
        new String[][] {
          {"10.244.2.0/24", "10.244.2.5", "10.244.1.9", "10.244.1.1"},
          {"fd00:2::/64", "fd00:2::5", "fd00:1::9", "fd00:1::1"}
        }) {
      here.run("ip", "route", "add", one[0], "via", one[2], "dev", "va", "mtu", "1290");
      RouteInfo route = netlink.routes().to(ip(one[1])).orElseThrow();
      assertEquals(index, route.interfaceIndex());
      assertEquals(Optional.of(ip(one[2])), route.gateway());
      assertEquals(Optional.of(ip(one[3])), route.preferredSource());
      assertEquals(RouteInfo.TABLE_MAIN, route.table());
      assertEquals(1290, route.mtuBytes());
    }
    assertEquals(1, netlink.routes().to(ip("10.244.1.1")).orElseThrow().interfaceIndex());
    assertTrue(netlink.routes().to(ip("10.244.1.7")).orElseThrow().gateway().isEmpty());
    assertTrue(netlink.routes().to(ip("192.0.2.1")).isEmpty());
    assertTrue(netlink.routes().to(ip("2001:db8::1")).isEmpty());
    for (String type : List.of("unreachable", "blackhole", "prohibit")) {
      here.run("ip", "route", "replace", type, "192.0.2.0/24");
      here.run("ip", "route", "replace", type, "2001:db8::/64", "dev", "lo");
      assertTrue(netlink.routes().to(ip("192.0.2.1")).isEmpty(), type);
      assertTrue(netlink.routes().to(ip("2001:db8::1")).isEmpty(), type);
    }
  }

  @Test
  void neighboursOfBothFamilies() throws Exception {
    int index = veth();
    for (String address : List.of("10.244.1.9", "fd00:1::9")) {
      netlink.replaceNeighbour(new NeighbourInfo(index, ip(address), MAC));
      netlink.replaceNeighbour(new NeighbourInfo(index, ip(address), PEER_MAC));
      seen("ip neigh", address + " dev va lladdr 02:00:00:00:00:02 PERMANENT");
    }
  }

  @Test
  void aDumpOfManyLinks() throws Exception {
    for (int i = 0; i < 150; i++) {
      netlink.createVeth(
          new VethEnd(new InterfaceName("va" + i), -1, new byte[0], 0),
          new VethEnd(new InterfaceName("vb" + i), -1, new byte[0], 0));
    }
    List<String> names = netlink.links().stream().map(LinkInfo::name).sorted().toList();
    assertEquals(301, names.size());
    List<String> oracle = here.run("ls", "/sys/class/net").lines().sorted().toList();
    assertEquals(oracle, names);
  }

  @Test
  void aDeviceThatVanishes() throws Exception {
    int index = veth();
    here.run("ip", "link", "del", "va");
    for (Runnable call :
        List.<Runnable>of(
            () -> netlink.setUp(index, true),
            () -> netlink.setMtu(index, 1300),
            () -> netlink.setAlias(index, "x"),
            () -> netlink.deleteLink(index),
            () -> netlink.addAddress(index, ip("10.244.1.1"), 24),
            () -> netlink.addAddress(index, ip("fd00:1::1"), 64),
            () -> netlink.routes().replace(route("10.244.2.0", 24, index, "")),
            () -> netlink.routes().replace(route("fd00:2::", 64, index, "fd00:1::9")),
            () -> netlink.replaceNeighbour(new NeighbourInfo(index, ip("10.244.1.9"), MAC)))) {
      KernelException refused = refusal(call);
      assertEquals(Errno.ENODEV, refused.errno(), refused.getMessage());
      contains(refused.getMessage(), "interface " + index, "no such interface");
    }
    assertTrue(netlink.link(index).isEmpty());
  }

  @Test
  void refusalsAreOneClearSentence() throws Exception {
    int index = veth();
    assertEquals(
        "RTM_NEWLINK on veth va with vb: EEXIST (exists already);"
            + " choose another name, or delete the interface that has it",
        refusal(() ->
                netlink.createVeth(
                    new VethEnd(new InterfaceName("va"), -1, MAC, 0),
                    new VethEnd(new InterfaceName("vb"), -1, MAC, 0)))
            .getMessage());
    contains(
        refusal(() -> netlink.setMtu(index, 3)).getMessage(),
        "interface " + index + ", MTU 3: EINVAL",
        "the kernel says \"mtu less than device minimum\"");
    contains(
        refusal(() -> netlink.routes().replace(route("10.7.0.0", 16, index, "8.8.8.8")))
            .getMessage(),
        "route 10.7.0.0/16 via 8.8.8.8",
        "ENETUNREACH",
        "the kernel says \"Nexthop has invalid gateway\"");
    here.run("sysctl", "-q", "-w", "net.ipv6.conf.va.disable_ipv6=1");
    contains(
        refusal(() -> netlink.addAddress(index, ip("fd00:9::1"), 64)).getMessage(),
        "EACCES",
        "is IPv6 switched off here");
  }

  @Test
  void manyThreadsWhileLinksComeAndGo() throws Exception {
    Thread churn =
        Thread.ofPlatform()
            .start(() -> {
              for (int i = 0; i < 30; i++) {
                netlink.createBridge(new InterfaceName("br0"));
                netlink.deleteLink(netlink.link(new InterfaceName("br0")).orElseThrow().index());
              }
            });
    List<Thread> readers =
        List.of(
            Thread.ofPlatform().unstarted(this::readWhileItLasts),
            Thread.ofPlatform().unstarted(this::readWhileItLasts));
    AtomicReference<Throwable> failed = new AtomicReference<>();
    for (Thread reader : readers) {
      reader.setUncaughtExceptionHandler((thread, failure) -> failed.set(failure));
      reader.start();
    }
    churn.join();
    for (Thread reader : readers) {
      reader.join();
    }
    assertNull(failed.get());
  }

  private void readWhileItLasts() {
    for (int i = 0; i < 50; i++) {
      assertEquals("lo", netlink.links().getFirst().name());
      List<RouteInfo> _ = netlink.routes().all();
    }
  }
}
