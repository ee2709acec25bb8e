// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Attachment;
import dev.culvert.datapath.Change;
import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.ContainerLabel;
import dev.culvert.datapath.Counter;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.ExistingInterface;
import dev.culvert.datapath.InterfaceExistsException;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.NoSuchContainerException;
import dev.culvert.datapath.TakenException;
import dev.culvert.datapath.Vtep;
import dev.culvert.datapath.table.ProgramNames;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.RefusedException;
import dev.culvert.testing.RequiresRoot;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** One host's containers and bridges: how they come and go. */
@RequiresRoot
@Tag("netns")
class ContainersNetnsTest extends OneHostFixture {
  /** What lends containers\' interfaces room (ADR 0018). */
  private static final String ROOM = "culvert0-room";

  private static final InterfaceName ETH0 = new InterfaceName("eth0");

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

  /** By asking the container: the same path may lead to another namespace later. */
  @Test
  void whatIsAttachedIsFoundAndNamedAlsoByALaterProcess() throws Exception {
    EbpfDatapath datapath = start();
    ContainerEnd container =
        new ContainerEnd(
            Path.of("/run/netns/" + C1), ETH0, Optional.of(new ContainerLabel("web/one")));
    assertEquals(Optional.empty(), inHost(() -> datapath.attached(VNI, container)));
    List<Attachment.Address> routed =
        List.of(new Attachment.Address(address("10.244.1.2"), GATEWAY));
    Endpoint endpoint = inHost(() -> datapath.attach(new Attachment(VNI, container, routed, 1450)));
    assertEquals(Optional.of(container), endpoint.container());
    datapath.close();

    EbpfDatapath later = open(config());
    assertEquals(List.of(endpoint), later.read().endpoints());
    assertEquals(Optional.of(endpoint), inHost(() -> later.attached(VNI, container)));
    var other = new ContainerEnd(Path.of("/run/netns/" + C2), container.interfaceName());
    assertEquals(Optional.empty(), inHost(() -> later.attached(VNI, other)), "not by its name");

    Commands.run("ip netns del " + C1);
    Commands.run("ip netns add " + C1);
    assertEquals(Optional.empty(), inHost(() -> later.attached(VNI, container)), "another one");
  }

  @Test
  void refusalsTellByTheirTypeWhatIsInTheWay() throws Exception {
    EbpfDatapath datapath = start();
    attach(datapath, C1, "10.244.1.2");
    assertThrows(InterfaceExistsException.class, () -> attach(datapath, C1, "10.244.1.3"));
    assertThrows(TakenException.class, () -> attach(datapath, C2, "10.244.1.2"));
    var gone =
        assertThrows(
            NoSuchContainerException.class, () -> attach(datapath, "cv-dp-gone", "10.244.1.3"));
    assertTrue(gone.getMessage().contains("/run/netns/cv-dp-gone"), gone.getMessage());
    assertTrue(gone.getMessage().contains("ip netns"), gone.getMessage());
    var missing =
        new ExistingInterface(
            new ContainerEnd(Path.of("/run/netns/" + C2), new InterfaceName("no0")),
            List.of(LOCAL));
    assertThrows(
        NoSuchContainerException.class, () -> inHost(() -> datapath.attachExisting(missing)));
  }

  /** As of a container with the host's network; our routes would take the place of the host's. */
  @Test
  void theHostsOwnNamespaceIsRefusedUnderWhateverName() throws Exception {
    EbpfDatapath datapath = start();
    String before = Commands.in(HOST, "ip route") + Commands.in(HOST, "ip link");
    Path named = Path.of("/run/netns/" + HOST);
    var own =
        new Attachment(
            VNI,
            new ContainerEnd(named, new InterfaceName("odd0")),
            List.of(new Attachment.Address(address("10.244.1.2"), GATEWAY)),
            1450);
    var refused = assertThrows(RefusedException.class, () -> inHost(() -> datapath.attach(own)));
    assertTrue(
        refused.getMessage().startsWith(named + " is this host's own network namespace"),
        refused::getMessage);
    var existing =
        new ExistingInterface(new ContainerEnd(named, new InterfaceName("under0")), List.of(LOCAL));
    assertThrows(RefusedException.class, () -> inHost(() -> datapath.attachExisting(existing)));
    var byThread =
        new ExistingInterface(
            new ContainerEnd(Path.of("/proc/thread-self/ns/net"), new InterfaceName("under0")),
            List.of(LOCAL));
    assertThrows(RefusedException.class, () -> inHost(() -> datapath.attachExisting(byThread)));
    assertEquals(before, Commands.in(HOST, "ip route") + Commands.in(HOST, "ip link"));
  }

  /** The bridge that lends headroom is no bridge to anybody: nothing is sent or learnt there. */
  @Test
  void aContainersInterfaceIsLentHeadroomByABridgeThatCarriesNothing() throws Exception {
    EbpfDatapath datapath = start();
    datapath.apply(List.of(new Change.PutLocal(new LocalSubnet(LOCAL, 0))));
    attach(datapath, C1, "10.244.1.2");
    attach(datapath, C2, "10.244.1.3");
    String ports = Commands.run("ip -n " + HOST + " -br link show master " + ROOM);
    assertTrue(ports.contains("cv0af4010225@"), ports);
    assertTrue(ports.contains("cv0af4010325@"), ports);
    assertTrue(ports.contains("culvert0-needy"), ports);

    ping(C1, "10.244.1.1"); // ARP, and the stack's answer
    ping(HOST, "10.244.1.3");
    // What is not the overlay's goes up to the stack, which routes it: here, to its last hop.
    String routed =
        Commands.tryRun("ip netns exec " + C1 + " ping -c 1 -W 5 -t 1 10.99.0.1").output();
    assertTrue(routed.contains("Time to live exceeded"), routed);
    String bridge = Commands.run("ip -n " + HOST + " -s link show " + ROOM);
    assertTrue(bridge.contains("state DOWN"), bridge);
    assertTrue(
        bridge
            .replaceAll("\\s+", " ")
            .contains("RX: bytes packets errors dropped missed mcast 0 0 0"),
        bridge);

    datapath.remove();
    datapath.close();
    open.remove(datapath);
    String left = Commands.run("ip -n " + HOST + " -br link");
    assertTrue(!left.contains("culvert0"), left);
  }

  /** Outer headers are longer over IPv6: what containers that run already send then needs more. */
  @Test
  void aHostThatMovesToAnIpv6UnderlayAsksForMoreHeadroom() throws Exception {
    EbpfDatapath datapath = start();
    attach(datapath, C1, "10.244.1.2");
    Commands.run("ip -n " + HOST + " addr add fd17::2/64 dev under0 nodad");
    Vtep moved = new Vtep(address("fd17::2"), VTEP.port(), VTEP.mac());
    startWith(datapath, moved, GATEWAY, NETWORK);

    String ports = Commands.run("ip -n " + HOST + " -br link show master " + ROOM);
    assertTrue(ports.contains("culvert0-needy6"), ports);
    assertTrue(ports.contains("cv0af4010225@"), ports);
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
                    new ContainerEnd(Path.of("/run/netns/" + C1), new InterfaceName("eth0")),
                    List.of(new Attachment.Address(address("fd44:1::2"), address("fd44:1::1"))),
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
          List.of(ProgramNames.FROM_UNDERLAY),
          EbpfDatapath.inspect(libc, PINS).attachments().stream()
              .map(DatapathSnapshot.Attached::program)
              .filter(program ->
                  !program.equals(ProgramNames.FROM_HOST)
                      && !program.equals(ProgramNames.FROM_TUNNEL))
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
    var taken = assertThrows(RefusedException.class, () -> attach(datapath, C1, "10.244.1.2"));
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
                        new ContainerEnd(Path.of("/run/netns/" + C2), new InterfaceName("eth0")),
                        List.of(new Attachment.Address(address("10.244.1.3"), GATEWAY)),
                        1))));
    assertEquals(before, Commands.run("ip -n " + HOST + " -br link"));
    assertEquals(List.of(), datapath.read().endpoints());
    assertTrue(Commands.in(C2, "ip link show lo").contains("<LOOPBACK>"));

    attach(datapath, C2, "10.244.1.3");
    var twice = assertThrows(RefusedException.class, () -> attach(datapath, C2, "10.244.1.3"));
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
    assertEquals(
        List.of(stays.withContainer(Optional.empty())),
        EbpfDatapath.inspect(libc, PINS).state().endpoints(),
        "the tables alone");
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
      datapath.attachBridge(new InterfaceName("br0"), List.of(LOCAL));
      return null;
    });
    assertEquals(List.of(new LocalSubnet(LOCAL, index)), datapath.read().locals());
    assertEquals(
        Optional.of(index),
        EbpfDatapath.inspect(libc, PINS).attachments().stream()
            .filter(a -> a.program().equals(ProgramNames.FROM_CONTAINER))
            .findFirst()
            .orElseThrow()
            .interfaceIndex());
    datapath.detachBridge(new InterfaceName("br0"));
    assertEquals(List.of(new LocalSubnet(LOCAL, 0)), datapath.read().locals());
    // A second time, and for what was never attached, it would take a container's own entry.
    assertThrows(RefusedException.class, () -> datapath.detachBridge(new InterfaceName("br0")));
    assertThrows(RefusedException.class, () -> datapath.detachBridge(new InterfaceName("under0")));
    assertEquals(
        before,
        Commands.in(HOST, "ip addr show br0")
            + Commands.in(HOST, "tc filter show dev br0 ingress"));

    inHost(() -> {
      datapath.attachBridge(new InterfaceName("br0"), List.of(LOCAL));
      return null;
    });
    Commands.run("ip -n " + HOST + " link del br0");
    datapath.dropVanished();
    assertEquals(List.of(new LocalSubnet(LOCAL, 0)), datapath.read().locals());
    datapath.detachBridge(new InterfaceName("br0"));

    var none =
        assertThrows(
            RefusedException.class,
            () -> datapath.attachBridge(new InterfaceName("under0"), List.of(LOCAL)));
    assertTrue(none.getMessage().contains("is a veth, no bridge"), none.getMessage());
  }
}
