// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Change;
import dev.culvert.datapath.Counter;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.Gateway;
import dev.culvert.datapath.Identity;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vtep;
import dev.culvert.datapath.table.ProgramNames;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.RefusedException;
import dev.culvert.testing.RequiresRoot;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** One host: how it starts, is taken over, refuses, and leaves nothing. */
@RequiresRoot
@Tag("netns")
class EbpfDatapathNetnsTest extends OneHostFixture {
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
    DatapathSnapshot pinned = EbpfDatapath.inspect(libc, PINS);
    assertTrue(
        pinned.attachments().stream()
            .anyMatch(a ->
                a.program().equals(ProgramNames.FROM_UNDERLAY)
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
  void anotherAgentTakesOverUnderTraffic() throws Exception {
    EbpfDatapath datapath = start();
    attach(datapath, C1, "10.244.1.2");
    attach(datapath, C2, "10.244.1.3");
    datapath.apply(
        List.of(new Change.PutLocal(new LocalSubnet(LOCAL, 0)), new Change.PutRemote(remote())));
    Datapath.State before = datapath.read();
    assertEquals(List.of(remote()), before.remotes());
    Process ping = pinging(200);
    Thread.sleep(300);

    datapath.close();
    EbpfDatapath next = open(config());
    assertEquals(before, next.read());
    startWith(next, VTEP, GATEWAY, NETWORK);
    assertEquals(before, next.read());

    assertNothingLost(ping);
    DatapathSnapshot pinned = EbpfDatapath.inspect(libc, PINS);
    assertEquals(nameless(before.endpoints()), pinned.state().endpoints());
    assertEquals(before.remotes(), pinned.state().remotes());
    assertEquals(before.locals(), pinned.state().locals());
    assertEquals(Optional.of(identity()), pinned.identity());
  }

  /** From one container to the other, a hundred times a second. */
  private static Process pinging(int times) throws IOException {
    String command = "ip netns exec " + C1 + " ping -q -i 0.01 -c " + times + " 10.244.1.3";
    return new ProcessBuilder(List.of(command.split(" "))).redirectErrorStream(true).start();
  }

  private static void assertNothingLost(Process ping) throws Exception {
    String output = new String(ping.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, ping.waitFor(), output);
    assertTrue(output.contains(" 0% packet loss"), output);
  }

  private static EbpfConfig sized(int subnets, int endpoints) {
    return EbpfConfig.builder(PINS, new InterfaceName("under0"))
        .mapSizes(new MapSizes(subnets, endpoints))
        .build();
  }

  /** Maps are made anew with all that they held, and no packet meets an empty one. */
  @Test
  void otherMapSizesAreTakenOverUnderTraffic() throws Exception {
    EbpfDatapath datapath = start();
    attach(datapath, C1, "10.244.1.2");
    attach(datapath, C2, "10.244.1.3");
    datapath.apply(
        List.of(new Change.PutLocal(new LocalSubnet(LOCAL, 0)), new Change.PutRemote(remote())));
    Datapath.State before = datapath.read();
    Process ping = pinging(300);
    datapath.close();

    for (EbpfConfig config : List.of(sized(200_000, 10), sized(70, 50))) {
      EbpfDatapath next = open(config);
      assertEquals(before, next.read());
      startWith(next, VTEP, GATEWAY, NETWORK);
      assertEquals(before, next.read());
      next.close();
    }
    RuntimeException e = assertThrows(RuntimeException.class, () -> open(sized(70, 1)));
    assertTrue(e.getMessage().contains("the map is full: it takes 1 entries"), e.getMessage());
    assertEquals(
        nameless(before.endpoints()), EbpfDatapath.inspect(libc, PINS).state().endpoints());

    assertNothingLost(ping);
    // The programs look into the maps that the agent writes.
    EbpfDatapath last = open(sized(70, 50));
    startWith(last, VTEP, GATEWAY, NETWORK);
    inHost(() -> {
      last.detach(VNI, address("10.244.1.3"));
      return null;
    });
    attach(last, C2, "10.244.1.9");
    ping(C1, "10.244.1.9");
    ping(C2, "10.244.1.1");
  }

  /** As by an overlay whose start is refused. */
  @Test
  void whatWasOpenedAndNeverStartedLeavesNoPins() throws Exception {
    EbpfDatapath datapath = open(config());
    assertTrue(Files.exists(PINS));
    datapath.close();
    assertFalse(Files.exists(PINS));
  }

  /** The tables alone do not know whom an interface was made for. */
  private static List<Endpoint> nameless(List<Endpoint> endpoints) {
    return endpoints.stream().map(e -> e.withContainer(Optional.empty())).toList();
  }

  @Test
  void everythingIsReadableWithoutAnAgent() throws Exception {
    EbpfDatapath datapath = start();
    Endpoint endpoint = attach(datapath, C1, "10.244.1.2");
    datapath.apply(List.of(new Change.PutRemote(remote())));
    ping(C1, "10.244.1.1");
    datapath.close();
    DatapathSnapshot pinned = EbpfDatapath.inspect(libc, PINS);
    assertEquals(List.of(remote()), pinned.state().remotes());
    assertEquals(nameless(List.of(endpoint)), pinned.state().endpoints());
    assertTrue(
        pinned.counters().values().stream().mapToLong(Counter::packets).sum() > 0,
        pinned.counters().toString());
    assertTrue(
        pinned.programs().stream().anyMatch(p -> p.name().equals(ProgramNames.FROM_CONTAINER)),
        pinned.programs().toString());
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
      datapath.attachBridge(new InterfaceName("br0"), List.of(LOCAL));
      return null;
    });
    assertNotEquals(before, picture());
    datapath.remove();
    datapath.close();
    open.remove(datapath);

    assertEquals(before, picture());
    assertFalse(Files.exists(PINS));
    assertEquals("", Commands.run("ip -n " + C1 + " -br link show type veth"));
    assertThrows(RefusedException.class, () -> EbpfDatapath.inspect(libc, PINS));
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
    assertThrows(RefusedException.class, () -> EbpfDatapath.inspect(libc, PINS));
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
              new LocalSubnet(new Subnet(VNI, new IpPrefix(IpFamily.address(raw), 32)), 0)));
    }
    List<Datapath.Failure> failures = datapath.apply(changes);
    assertEquals(List.of(changes.getLast()), failures.stream().map(f -> f.change()).toList());
    String message = failures.getFirst().cause().getMessage();
    assertTrue(message.startsWith("The map subnets4 is full (65536 entries)"), message);
    assertEquals(65536, datapath.read().locals().size());
  }

  private void refusesStart(String sentence, EbpfConfig config) throws Exception {
    EbpfDatapath datapath = open(config);
    var e = assertThrows(RefusedException.class, () -> startWith(datapath, VTEP, GATEWAY, NETWORK));
    assertTrue(e.getMessage().startsWith(sentence), e.getMessage());
    datapath.close();
  }

  private void refusesOpen(String sentence, Path pins) {
    var config = EbpfConfig.builder(pins, new InterfaceName("under0")).build();
    var e = assertThrows(RuntimeException.class, () -> open(config));
    assertTrue(e.getMessage().contains(sentence), e.getMessage());
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
    return new Identity(
        VNI, VTEP, List.of(new Gateway(GATEWAY, NETWORK)), new InterfaceName("under0"));
  }
}
