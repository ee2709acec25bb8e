// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.Libc;
import dev.culvert.kernel.NetNamespace;
import dev.culvert.testing.RequiresRoot;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * One host and its containers, each a namespace of its own:
 *
 * <pre>
 *   cv-dp-c1 eth0 10.244.1.2 ─┐
 *   cv-dp-c2 eth0 10.244.1.3 ─┤ cv-dp-host  under0 10.17.2.2 ── under1 10.17.2.1 cv-dp-router
 *                      culvert0 10.244.1.1
 * </pre>
 */
@RequiresRoot
@Tag("netns")
class EbpfDatapathNetnsTest {
  private static final String HOST = "cv-dp-host";
  private static final String ROUTER = "cv-dp-router";
  private static final String C1 = "cv-dp-c1";
  private static final String C2 = "cv-dp-c2";
  private static final List<String> NAMESPACES = List.of(HOST, ROUTER, C1, C2);

  private static final Path PINS = Path.of("/sys/fs/bpf/culvert/cv-dp-test");
  private static final Vni VNI = new Vni(77);
  private static final Vtep VTEP =
      new Vtep(address("10.17.2.2"), 4789, MacAddress.parse("02:00:0a:11:02:02"));
  private static final Vtep REMOTE =
      new Vtep(address("10.18.2.2"), 4789, MacAddress.parse("02:00:0a:12:02:02"));
  private static final InetAddress GATEWAY = address("10.244.1.1");
  private static final IpPrefix NETWORK = IpPrefix.parse("10.244.0.0/16");
  private static final Subnet LOCAL = new Subnet(VNI, IpPrefix.parse("10.244.1.0/24"));

  private final Libc libc = Libc.system();
  private final List<EbpfDatapath> open = new ArrayList<>();

  @BeforeEach
  void build() {
    tearDownNamespaces();
    NAMESPACES.forEach(name -> Commands.run("ip netns add " + name));
    Commands.run("ip -n " + HOST + " link add under0 type veth peer name under1 netns " + ROUTER);
    Commands.run("ip -n " + HOST + " link set lo up");
    Commands.run("ip -n " + HOST + " link set under0 up");
    Commands.run("ip -n " + ROUTER + " link set under1 up");
    Commands.run("ip -n " + HOST + " addr add 10.17.2.2/24 dev under0");
    Commands.run("ip -n " + ROUTER + " addr add 10.17.2.1/24 dev under1");
    Commands.run("ip -n " + HOST + " route add default via 10.17.2.1");
    Commands.in(HOST, "sysctl -qw net.ipv4.ip_forward=1");
  }

  @AfterEach
  void tearDown() throws Exception {
    try {
      if (Files.exists(PINS)) {
        EbpfDatapath last = open(config());
        inHost(() -> {
          last.remove();
          return null;
        });
      }
    } finally {
      open.forEach(EbpfDatapath::close);
      tearDownNamespaces();
    }
    assertFalse(Files.exists(PINS), "pins are left");
  }

  private static void tearDownNamespaces() {
    NAMESPACES.forEach(name -> Commands.tryRun("ip netns del " + name));
  }

  @Test
  void startMakesThisHostATunnelEnd() throws Exception {
    start();

    String device = Commands.run("ip -n " + HOST + " -d link show culvert0");
    assertTrue(device.contains("vxlan external"), device);
    assertTrue(device.contains("dstport 4789"), device);
    assertTrue(device.contains("mtu 1450"), device);
    assertTrue(device.contains("link/ether 02:00:0a:11:02:02"), device);
    assertTrue(device.contains("alias culvert:cv-dp-test"), device);
    String addresses = Commands.run("ip -n " + HOST + " -4 addr show culvert0");
    assertTrue(addresses.contains("inet 10.244.1.1/32"), addresses);
    String route = Commands.run("ip -n " + HOST + " route show 10.244.0.0/16");
    assertTrue(route.contains("dev culvert0"), route);
    assertTrue(route.contains("src 10.244.1.1"), route);
    PinnedDatapath pinned = EbpfDatapath.inspect(libc, PINS);
    assertTrue(
        pinned.attachments().stream()
            .anyMatch(a ->
                a.program().equals(Programs.FROM_UNDERLAY)
                    && a.interfaceIndex().equals(Optional.of(indexOf("under0")))),
        pinned.attachments().toString());
  }

  @Test
  void startingAgainWithOtherValuesLeavesNothingOfTheFirst() throws Exception {
    EbpfDatapath datapath = start();
    Vtep moved = new Vtep(VTEP.address(), 4789, MacAddress.parse("02:00:0a:11:02:99"));
    startWith(datapath, moved, address("10.99.1.1"), IpPrefix.parse("10.99.0.0/16"));

    String device = Commands.run("ip -n " + HOST + " addr show culvert0");
    assertTrue(device.contains("02:00:0a:11:02:99"), device);
    assertTrue(device.contains("10.99.1.1/32"), device);
    assertFalse(device.contains("10.244"), device);
    String routes = Commands.run("ip -n " + HOST + " route");
    assertTrue(routes.contains("10.99.0.0/16 via 169.254.1.1 dev culvert0"), routes);
    assertFalse(routes.contains("10.244"), routes);
  }

  @Test
  void containersReachHostAndEachOther() throws Exception {
    EbpfDatapath datapath = start();
    datapath.apply(List.of(new Change.PutLocal(new LocalSubnet(LOCAL, 0))));
    Endpoint first = attach(datapath, C1, "10.244.1.2");
    attach(datapath, C2, "10.244.1.3");

    String inside = Commands.in(C1, "ip addr show eth0");
    assertTrue(inside.contains("inet 10.244.1.2/32"), inside);
    assertTrue(inside.contains("mtu 1450"), inside);
    assertTrue(inside.contains(first.mac().toString()), inside);
    assertTrue(Commands.in(C1, "ip addr show lo").contains("LOOPBACK,UP"));
    assertTrue(Commands.in(C1, "ip route").contains("default via 10.244.1.1 dev eth0"));
    String hostSide = Commands.run("ip -n " + HOST + " link show cv0af4010225");
    assertTrue(hostSide.contains("alias culvert:cv-dp-test:/run/netns/" + C1), hostSide);
    assertTrue(hostSide.contains(first.hostMac().toString()), hostSide);

    ping(C1, "10.244.1.1");
    ping(HOST, "10.244.1.2");
    ping(C1, "10.244.1.3");
    assertEquals(List.of(first.address(), address("10.244.1.3")), addresses(datapath));
    long packets = datapath.counters().values().stream().mapToLong(Counter::packets).sum();
    assertTrue(packets > 0, "nothing was counted");
  }

  @Test
  void anIpv6ContainerReachesItsGateway() throws Exception {
    EbpfDatapath datapath = open(config());
    startWith(datapath, VTEP, address("fd44:1::1"), IpPrefix.parse("fd44::/16"));
    Endpoint endpoint =
        inHost(() ->
            datapath.attach(
                new Attachment(
                    VNI,
                    Path.of("/run/netns/" + C1),
                    "eth0",
                    address("fd44:1::2"),
                    address("fd44:1::1"),
                    1450)));
    assertEquals(List.of(endpoint), datapath.read().endpoints());
    Commands.in(C1, "ping -6 -c 1 -W 5 fd44:1::1");
    Commands.in(HOST, "ping -6 -c 1 -W 5 fd44:1::2");
  }

  @Test
  void detachTakesEverythingAwayAndMayBeRepeated() throws Exception {
    EbpfDatapath datapath = start();
    String before = Commands.run("ip -n " + HOST + " -br link");
    Endpoint endpoint = attach(datapath, C1, "10.244.1.2");
    for (int i = 0; i < 2; i++) {
      datapath.detach(VNI, endpoint.address());
      assertEquals(before, Commands.run("ip -n " + HOST + " -br link"));
      assertEquals(List.of(), datapath.read().endpoints());
      assertEquals("", Commands.run("ip -n " + HOST + " route show 10.244.1.2"));
      assertEquals(
          List.of(Programs.FROM_UNDERLAY),
          EbpfDatapath.inspect(libc, PINS).attachments().stream()
              .map(PinnedDatapath.Attached::program)
              .filter(program ->
                  !program.equals(Programs.FROM_HOST) && !program.equals(Programs.FROM_TUNNEL))
              .toList());
    }
    assertNotEquals(endpoint, attach(datapath, C1, "10.244.1.2")); // another index
    ping(C1, "10.244.1.1");
  }

  @Test
  void anAttachmentThatFailsLeavesNothing() throws Exception {
    EbpfDatapath datapath = start();
    Commands.run("ip -n " + C1 + " link add eth0 type bridge");
    String before = Commands.run("ip -n " + HOST + " -br link");
    var taken =
        assertThrows(IllegalArgumentException.class, () -> attach(datapath, C1, "10.244.1.2"));
    assertTrue(taken.getMessage().contains("has an interface eth0 already"), taken.getMessage());
    assertEquals(before, Commands.run("ip -n " + HOST + " -br link"));

    // An interface name that the kernel refuses only after the namespace was looked at.
    assertThrows(
        RuntimeException.class,
        () ->
            inHost(() ->
                datapath.attach(
                    new Attachment(
                        VNI,
                        Path.of("/run/netns/" + C2),
                        "eth0",
                        address("10.244.1.3"),
                        GATEWAY,
                        1))));
    assertEquals(before, Commands.run("ip -n " + HOST + " -br link"));
    assertEquals(List.of(), datapath.read().endpoints());
    assertTrue(Commands.in(C2, "ip link show lo").contains("<LOOPBACK>"));

    attach(datapath, C2, "10.244.1.3");
    var twice =
        assertThrows(IllegalArgumentException.class, () -> attach(datapath, C2, "10.244.1.3"));
    assertTrue(twice.getMessage().contains("attached already"), twice.getMessage());
  }

  @Test
  void aDefaultRouteThatSomebodyElseSetStays() throws Exception {
    EbpfDatapath datapath = start();
    Commands.run("ip -n " + C1 + " link add other type bridge");
    Commands.run("ip -n " + C1 + " addr add 172.30.0.2/24 dev other");
    Commands.run("ip -n " + C1 + " link set other up");
    Commands.run("ip -n " + C1 + " route add default via 172.30.0.1");
    attach(datapath, C1, "10.244.1.2");
    String routes = Commands.in(C1, "ip route");
    assertTrue(routes.contains("default via 172.30.0.1 dev other"), routes);
    assertTrue(routes.contains("10.244.0.0/16 via 10.244.1.1 dev eth0"), routes);
    ping(C1, "10.244.1.1");
  }

  @Test
  void anotherAgentTakesOverUnderTraffic() throws Exception {
    EbpfDatapath datapath = start();
    attach(datapath, C1, "10.244.1.2");
    attach(datapath, C2, "10.244.1.3");
    datapath.apply(
        List.of(new Change.PutLocal(new LocalSubnet(LOCAL, 0)), new Change.PutRemote(remote())));
    Datapath.State before = datapath.read();
    assertEquals(List.of(remote()), before.remotes());
    Process ping =
        new ProcessBuilder(
                List.of(("ip netns exec " + C1 + " ping -q -i 0.01 -c 200 10.244.1.3").split(" ")))
            .redirectErrorStream(true)
            .start();
    Thread.sleep(300);

    datapath.close();
    EbpfDatapath next = open(config());
    assertEquals(before, next.read());
    startWith(next, VTEP, GATEWAY, NETWORK);
    assertEquals(before, next.read());

    String output = new String(ping.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, ping.waitFor(), output);
    assertTrue(output.contains(" 0% packet loss"), output);
    PinnedDatapath pinned = EbpfDatapath.inspect(libc, PINS);
    assertEquals(before, pinned.state());
    assertEquals(Optional.of(identity()), pinned.identity());
  }

  @Test
  void everythingIsReadableWithoutAnAgent() throws Exception {
    EbpfDatapath datapath = start();
    Endpoint endpoint = attach(datapath, C1, "10.244.1.2");
    datapath.apply(List.of(new Change.PutRemote(remote())));
    ping(C1, "10.244.1.1");
    datapath.close();
    PinnedDatapath pinned = EbpfDatapath.inspect(libc, PINS);
    assertEquals(List.of(remote()), pinned.state().remotes());
    assertEquals(List.of(endpoint), pinned.state().endpoints());
    assertTrue(
        pinned.counters().values().stream().mapToLong(Counter::packets).sum() > 0,
        pinned.counters().toString());
    assertTrue(
        pinned.programs().stream().anyMatch(p -> p.name().equals(Programs.FROM_CONTAINER)),
        pinned.programs().toString());
  }

  @Test
  void aDeviceThatVanishesTakesItsEndpointAlong() throws Exception {
    EbpfDatapath datapath = start();
    CountDownLatch told = new CountDownLatch(1);
    attach(datapath, C1, "10.244.1.2");
    Endpoint stays = attach(datapath, C2, "10.244.1.3");
    try (AutoCloseable _ = inHost(() -> datapath.watch(told::countDown))) {
      Commands.run("ip -n " + C1 + " link del eth0");
      assertTrue(told.await(5, TimeUnit.SECONDS), "the watcher heard nothing");
    }
    assertEquals(List.of(stays), datapath.read().endpoints());
    assertEquals(
        List.of(address("10.244.1.2")),
        datapath.dropVanished().stream().map(Endpoint::address).toList());
    assertEquals(List.of(), datapath.dropVanished());
    assertEquals(List.of(stays), EbpfDatapath.inspect(libc, PINS).state().endpoints());
    attach(datapath, C1, "10.244.1.2");
    ping(C1, "10.244.1.1");
  }

  @Test
  void aForeignBridgeJoinsAndLeavesAsItWas() throws Exception {
    EbpfDatapath datapath = start();
    datapath.apply(List.of(new Change.PutLocal(new LocalSubnet(LOCAL, 0))));
    Commands.run("ip -n " + HOST + " link add br0 type bridge");
    Commands.run("ip -n " + HOST + " addr add 10.244.1.1/24 dev br0");
    Commands.run("ip -n " + HOST + " link set br0 up");
    Commands.in(HOST, "tc qdisc add dev br0 clsact");
    Commands.in(HOST, "tc filter add dev br0 ingress protocol all pref 7 u32 match u32 0 0");
    String before =
        Commands.in(HOST, "ip addr show br0") + Commands.in(HOST, "tc filter show dev br0 ingress");
    int index = indexOf("br0");

    inHost(() -> {
      datapath.attachBridge("br0", List.of(LOCAL));
      return null;
    });
    assertEquals(List.of(new LocalSubnet(LOCAL, index)), datapath.read().locals());
    assertEquals(
        Optional.of(index),
        EbpfDatapath.inspect(libc, PINS).attachments().stream()
            .filter(a -> a.program().equals(Programs.FROM_CONTAINER))
            .findFirst()
            .orElseThrow()
            .interfaceIndex());
    datapath.detachBridge("br0");
    assertEquals(List.of(new LocalSubnet(LOCAL, 0)), datapath.read().locals());
    assertEquals(
        before,
        Commands.in(HOST, "ip addr show br0")
            + Commands.in(HOST, "tc filter show dev br0 ingress"));

    inHost(() -> {
      datapath.attachBridge("br0", List.of(LOCAL));
      return null;
    });
    Commands.run("ip -n " + HOST + " link del br0");
    datapath.dropVanished();
    assertEquals(List.of(new LocalSubnet(LOCAL, 0)), datapath.read().locals());
    datapath.detachBridge("br0");

    var none =
        assertThrows(
            IllegalArgumentException.class, () -> datapath.attachBridge("under0", List.of(LOCAL)));
    assertTrue(none.getMessage().contains("is a veth, no bridge"), none.getMessage());
  }

  @Test
  void removeLeavesTheHostAsItWas() throws Exception {
    Commands.in(HOST, "tc qdisc add dev under0 clsact");
    Commands.in(HOST, "tc filter add dev under0 ingress protocol all pref 7 u32 match u32 0 0");
    Commands.run("ip -n " + HOST + " link add br0 type bridge");
    String before = picture();

    EbpfDatapath datapath = start();
    attach(datapath, C1, "10.244.1.2");
    inHost(() -> {
      datapath.attachBridge("br0", List.of(LOCAL));
      return null;
    });
    assertNotEquals(before, picture());
    datapath.remove();
    datapath.close();
    open.remove(datapath);

    assertEquals(before, picture());
    assertFalse(Files.exists(PINS));
    assertEquals("", Commands.run("ip -n " + C1 + " -br link show type veth"));
    assertThrows(IllegalStateException.class, () -> EbpfDatapath.inspect(libc, PINS));
  }

  private static String picture() {
    return Commands.in(HOST, "ip link")
        + Commands.in(HOST, "ip addr").replace(" tentative", "") // ends by itself
        + Commands.in(HOST, "ip route show table all")
        + Commands.in(HOST, "tc qdisc")
        + Commands.in(HOST, "tc filter show dev under0 ingress");
  }

  @Test
  void nextHopsFollowTheKernel() throws Exception {
    EbpfDatapath datapath = start();
    int underlay = indexOf("under0");
    assertEquals(
        Optional.of(new NextHop(underlay, VTEP.address(), address("10.17.2.1"), 1500, false)),
        datapath.nextHop(address("10.18.2.2")));
    assertEquals(
        Optional.of(new NextHop(underlay, VTEP.address(), address("10.17.2.9"), 1500, true)),
        datapath.nextHop(address("10.17.2.9")));
    Commands.run("ip -n " + HOST + " route del default");
    assertEquals(Optional.empty(), datapath.nextHop(address("10.18.2.2")));
    // The overlay itself leads nowhere.
    assertEquals(Optional.empty(), datapath.nextHop(address("10.244.9.9")));
    assertEquals(Optional.empty(), datapath.nextHop(VTEP.address()));
  }

  @Test
  void badHostsAreRefusedInASentence() throws Exception {
    refusesStart("There is no interface under7", config("under7"));
    Commands.run("ip -n " + HOST + " link set under0 mtu 600");
    refusesStart(
        "The underlay interface under0 has an MTU of 600 bytes, but the overlay needs 626",
        config());
    Commands.run("ip -n " + HOST + " link set under0 mtu 1500");
    Commands.run("ip -n " + HOST + " link add culvert0 type bridge");
    refusesStart("There is an interface culvert0 already (bridge", config());
    assertTrue(Commands.run("ip -n " + HOST + " -d link show culvert0").contains("bridge"));
  }

  @Test
  void badPinFoldersAreRefusedInASentence() throws Exception {
    Path elsewhere = Files.createTempDirectory("cv-dp");
    try {
      refusesOpen("does not lie on a BPF file system", elsewhere.resolve("pins"));
      assertFalse(Files.exists(elsewhere.resolve("pins")));
    } finally {
      Files.delete(elsewhere);
    }
    refusesOpen("has a dot in its name", PINS.resolveSibling("host.example"));

    start().close();
    Files.delete(PINS.resolve("abi"));
    Files.createSymbolicLink(PINS.resolve("abi"), Path.of("999"));
    refusesOpen("have layout version 999, this Culvert has version 1", PINS);
    assertThrows(IllegalStateException.class, () -> EbpfDatapath.inspect(libc, PINS));
    Files.delete(PINS.resolve("abi"));
    Files.createSymbolicLink(PINS.resolve("abi"), Path.of("1"));
  }

  @Test
  void aFullMapFailsTheOverflowAlone() throws Exception {
    EbpfDatapath datapath = start();
    List<Change> changes = new ArrayList<>();
    for (int i = 0; i <= 65536; i++) {
      byte[] raw = {10, (byte) (i >>> 16), (byte) (i >>> 8), (byte) i};
      changes.add(
          new Change.PutLocal(
              new LocalSubnet(new Subnet(VNI, new IpPrefix(Layouts.address(raw), 32)), 0)));
    }
    List<Datapath.Failure> failures = datapath.apply(changes);
    assertEquals(List.of(changes.getLast()), failures.stream().map(f -> f.change()).toList());
    String message = failures.getFirst().cause().getMessage();
    assertTrue(message.startsWith("The map subnets4 is full (65536 entries)"), message);
    assertEquals(65536, datapath.read().locals().size());
  }

  private void refusesStart(String sentence, EbpfDatapath.Config config) throws Exception {
    EbpfDatapath datapath = open(config);
    var e =
        assertThrows(
            IllegalStateException.class, () -> startWith(datapath, VTEP, GATEWAY, NETWORK));
    assertTrue(e.getMessage().startsWith(sentence), e.getMessage());
    datapath.close();
  }

  private void refusesOpen(String sentence, Path pins) {
    var config = new EbpfDatapath.Config(pins, "under0", 4789, 49152, 65535);
    var e = assertThrows(RuntimeException.class, () -> open(config));
    assertTrue(e.getMessage().contains(sentence), e.getMessage());
  }

  private EbpfDatapath start() throws Exception {
    EbpfDatapath datapath = open(config());
    startWith(datapath, VTEP, GATEWAY, NETWORK);
    return datapath;
  }

  private void startWith(EbpfDatapath datapath, Vtep vtep, InetAddress gateway, IpPrefix network)
      throws Exception {
    inHost(() -> {
      datapath.start(VNI, vtep, gateway, network);
      return null;
    });
  }

  private EbpfDatapath open(EbpfDatapath.Config config) throws Exception {
    EbpfDatapath datapath = inHost(() -> EbpfDatapath.open(libc, config));
    open.add(datapath);
    return datapath;
  }

  private static EbpfDatapath.Config config() {
    return config("under0");
  }

  private static EbpfDatapath.Config config(String underlay) {
    return new EbpfDatapath.Config(PINS, underlay, 4789, 49152, 65535);
  }

  private Endpoint attach(EbpfDatapath datapath, String namespace, String address)
      throws Exception {
    return inHost(() ->
        datapath.attach(
            new Attachment(
                VNI, Path.of("/run/netns/" + namespace), "eth0", address(address), GATEWAY, 1450)));
  }

  /** Interface indexes are looked up in the namespace of the calling thread. */
  private <T> T inHost(Callable<T> work) throws Exception {
    try (NetNamespace host = NetNamespace.named(libc, HOST)) {
      return host.call(work);
    }
  }

  private static RemoteSubnet remote() {
    return new RemoteSubnet(
        new Subnet(VNI, IpPrefix.parse("10.244.2.0/24")),
        VTEP,
        REMOTE,
        Optional.of(
            new NextHop(indexOf("under0"), VTEP.address(), address("10.17.2.1"), 1500, false)),
        false);
  }

  private static Identity identity() {
    return new Identity(VNI, VTEP, List.of(new Gateway(GATEWAY, NETWORK)), "under0");
  }

  private static List<InetAddress> addresses(EbpfDatapath datapath) {
    return datapath.read().endpoints().stream().map(Endpoint::address).toList();
  }

  private static int indexOf(String device) {
    String line = Commands.run("ip -n " + HOST + " -o link show " + device);
    return Integer.parseInt(line.substring(0, line.indexOf(':')));
  }

  private static void ping(String namespace, String address) {
    Commands.in(namespace, "ping -c 1 -W 2 " + address);
  }

  private static InetAddress address(String text) {
    return InetAddress.ofLiteral(text);
  }
}
