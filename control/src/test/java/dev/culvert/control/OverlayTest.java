// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static dev.culvert.control.Fixtures.address;
import static dev.culvert.control.Fixtures.onLink;
import static dev.culvert.control.Fixtures.subnet;
import static dev.culvert.control.Fixtures.viaRouter;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.control.store.MemoryLeaseStore;
import dev.culvert.datapath.Change;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Vtep;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class OverlayTest {
  private static final Path NETNS = Path.of("/run/netns/container-1");
  private static final Duration LEASE = Duration.ofHours(1);

  private final ManualClock clock = new ManualClock();
  private final MemoryLeaseStore memory = new MemoryLeaseStore();
  private final FlakyStore store = new FlakyStore(memory);
  private final FakeDatapath datapath = new FakeDatapath();
  private final List<Overlay> overlays = new ArrayList<>();

  @AfterEach
  void close() {
    overlays.forEach(Overlay::close);
    memory.close();
  }

  private static OverlayConfig config(String host, String underlay) {
    return config(host, underlay, "10.244.0.0/16", null, false);
  }

  private static OverlayConfig config(
      String host, String underlay, String network, String subnet, boolean directRouting) {
    return new OverlayConfig(
        host,
        Fixtures.VNI,
        IpPrefix.parse(network),
        24,
        Optional.ofNullable(subnet).map(IpPrefix::parse),
        address(underlay),
        4789,
        directRouting,
        LEASE);
  }

  private Overlay start(OverlayConfig config, FakeDatapath on) {
    Overlay overlay = Overlay.start(config, store, on, clock);
    overlays.add(overlay);
    return overlay;
  }

  private Overlay start() {
    return start(config("host-01", "10.17.2.2"), datapath);
  }

  /** Each question also has the overlay look at the clock. */
  private static void await(String what, BooleanSupplier condition) throws InterruptedException {
    for (int i = 0; i < 1000; i++) {
      if (condition.getAsBoolean()) {
        return;
      }
      Thread.sleep(5);
    }
    throw new AssertionError("waited 5 seconds for: " + what);
  }

  private static List<String> remotes(Overlay overlay) {
    return overlay.status().remotes().stream()
        .map(remote -> remote.subnet().prefix() + " " + remote.remote().address().getHostAddress())
        .toList();
  }

  private void peer(String prefix, String host, String underlay) {
    memory.acquire(Fixtures.lease(prefix, host, 1, underlay, 1));
  }

  @Test
  void theFirstHostBecomesATunnelEnd() throws Exception {
    Overlay overlay = start();

    Lease lease = overlay.status().lease().orElseThrow();
    assertEquals(subnet("10.244.1.0/24"), lease.subnet());
    assertEquals(Optional.of(clock.instant().plus(LEASE)), lease.expires());
    assertEquals(List.of(lease), memory.list());
    assertEquals(
        new Vtep(address("10.17.2.2"), 4789, MacAddress.parse(Fixtures.HOST_01_MAC)),
        datapath.vtep());
    assertEquals(List.of(new LocalSubnet(lease.subnet(), 0)), datapath.read().locals());
    assertTrue(overlay.status().storeConnected());
    assertEquals(List.of(), overlay.status().problems());
  }

  @Test
  void hostsComeAndGoWhileOthersRun() throws Exception {
    datapath.route("10.18.2.2", viaRouter("10.17.2.1"));
    Overlay one = start();
    Overlay two = start(config("host-02", "10.18.2.2"), new FakeDatapath());
    assertEquals(subnet("10.244.2.0/24"), two.status().lease().orElseThrow().subnet());

    await("each sees the other", () -> remotes(one).equals(List.of("10.244.2.0/24 10.18.2.2")));
    await("each sees the other", () -> remotes(two).equals(List.of("10.244.1.0/24 10.17.2.2")));
    assertEquals(Optional.of(viaRouter("10.17.2.1")), one.status().remotes().getFirst().nextHop());
    assertTrue(two.status().remotes().getFirst().nextHop().isEmpty(), "no route, not no entry");

    two.leave();
    await("the other is gone", () -> remotes(one).isEmpty());
    assertEquals(1, memory.list().size());
  }

  @Test
  void closingKeepsLeaseAndTables() throws Exception {
    peer("10.244.2.0/24", "host-02", "10.18.2.2");
    Overlay overlay = start();
    await("the peer", () -> remotes(overlay).size() == 1);
    overlay.close();

    assertEquals(2, memory.list().size());
    assertEquals(1, datapath.read().remotes().size());
    assertFalse(datapath.isRemoved());
    assertEquals(0, datapath.listeners());
    var e = assertThrows(IllegalStateException.class, overlay::status);
    assertEquals("The overlay of host-01 is closed.", e.getMessage());
    overlay.close();
  }

  @Test
  void leavingReleasesAndRemovesEverything() {
    Overlay overlay = start();
    overlay.leave();
    assertEquals(List.of(), memory.list());
    assertTrue(datapath.isRemoved());
    assertThrows(IllegalStateException.class, overlay::status);
  }

  @Test
  void leavingKeepsALeaseThatSomebodyWrote() {
    peer("10.244.5.0/24", "host-01", "10.17.2.2");
    start().leave();
    assertEquals(1, memory.list().size());
    assertTrue(datapath.isRemoved());
  }

  @Test
  void leavingWithoutAStoreRemovesAllElseAndSaysSo() {
    Overlay overlay = start();
    store.setAway(true);
    var e = assertThrows(LeaseStoreException.class, overlay::leave);
    assertEquals(
        "This host left, but its lease of 10.244.1.0/24 (VNI 1) could not be released: The store is"
            + " away; wait for it.",
        e.getMessage());
    assertTrue(datapath.isRemoved());
  }

  @Test
  void aRestartKeepsTheLeaseTheTablesAndTheContainers() throws Exception {
    datapath.route("10.18.2.2", viaRouter("10.17.2.1"));
    peer("10.244.2.0/24", "host-02", "10.18.2.2");
    Overlay first = start();
    Endpoint endpoint = first.attach(NETNS, "eth0", Optional.empty());
    await("the peer", () -> remotes(first).size() == 1);
    first.close();
    int written = datapath.applied().size();

    Overlay second = start();
    await("the snapshot", () -> second.status().storeRevision() > 0);
    second.status();
    assertEquals(subnet("10.244.1.0/24"), second.status().lease().orElseThrow().subnet());
    assertEquals(2, second.status().lease().orElseThrow().generation());
    assertEquals(List.of(endpoint), second.status().endpoints());
    assertEquals(written, datapath.applied().size(), "nothing differed, so nothing was written");
    assertEquals(address("10.244.1.3"), second.attach(NETNS, "eth1", Optional.empty()).address());
  }

  @Test
  void whatHappenedWhileTheAgentWasDeadIsMadeUpFor() throws Exception {
    peer("10.244.2.0/24", "host-02", "10.18.2.2");
    Overlay first = start();
    await("the peer", () -> remotes(first).size() == 1);
    first.close();
    memory.release(subnet("10.244.2.0/24"), 1);
    peer("10.244.3.0/24", "host-03", "10.18.2.3");

    Overlay second = start();
    await("the change", () -> remotes(second).equals(List.of("10.244.3.0/24 10.18.2.3")));
    assertEquals(1, datapath.read().remotes().size());
  }

  @Test
  void aLeaseThatEndedMeanwhileIsAskedForAgainByItsSubnet() {
    start(config("host-01", "10.17.2.2", "10.244.0.0/16", "10.244.9.0/24", false), datapath)
        .close();
    Lease old = memory.list().getFirst();
    memory.release(old.subnet(), old.generation());

    Overlay again = start();
    assertEquals(subnet("10.244.9.0/24"), again.status().lease().orElseThrow().subnet());
  }

  @Test
  void aStoreThatIsAwayStopsANewHostAndNoOldOne() throws Exception {
    store.setAway(true);
    var e = assertThrows(LeaseStoreException.class, this::start);
    assertEquals("The store is away; wait for it.", e.getMessage());
    store.setAway(false);
    peer("10.244.2.0/24", "host-02", "10.18.2.2");
    datapath.route("10.18.2.2", viaRouter("10.17.2.1"));
    Overlay first = start();
    await("the peer", () -> remotes(first).size() == 1);
    first.close();
    var before = datapath.read();

    store.setAway(true);
    Overlay second = start();
    assertEquals(before, datapath.read());
    assertFalse(second.status().storeConnected());
    assertEquals(2, second.status().problems().size(), second.status().problems().toString());
    // Routes are followed all the same.
    datapath.route("10.18.2.2", viaRouter("10.17.2.254"));
    second.status(); // it has heard of it by now
    clock.advance(Duration.ofSeconds(1));
    await(
        "the new route",
        () ->
            second
                .status()
                .remotes()
                .getFirst()
                .nextHop()
                .equals(Optional.of(viaRouter("10.17.2.254"))));

    store.setAway(false);
    clock.advance(Duration.ofMinutes(2));
    await("the store", () -> second.status().storeConnected());
    await("the lease", () -> second.status().problems().isEmpty());
    assertEquals(2, memory.list().getFirst().generation());
  }

  @Test
  void losingTheStoreRemovesNothingHoweverLong() throws Exception {
    memory.acquire(
        new Lease(
            subnet("10.244.2.0/24"),
            "host-02",
            new Vtep(address("10.18.2.2"), 4789, VtepMac.derive("host-02", Fixtures.VNI)),
            1,
            Optional.of(clock.instant().plus(LEASE))));
    Overlay overlay = start();
    await("the peer", () -> remotes(overlay).size() == 1);
    store.setAway(true);
    clock.advance(Duration.ofSeconds(11));
    await("the outage is noticed", () -> !overlay.status().storeConnected());
    for (int i = 0; i < 10; i++) {
      clock.advance(LEASE);
      assertEquals(1, remotes(overlay).size());
    }
    assertTrue(
        overlay
            .status()
            .problems()
            .contains(
                "The lease store does not answer, and everything stays as it is until it does: The"
                    + " store is away; wait for it."),
        overlay.status().problems().toString());

    // Back again: the peer has a minute to tell of its renewal, then it counts as gone.
    store.setAway(false);
    clock.advance(Duration.ofSeconds(11));
    await("the store", () -> overlay.status().storeConnected());
    assertEquals(1, remotes(overlay).size());
    clock.advance(Duration.ofSeconds(61));
    await("the peer's end", () -> remotes(overlay).isEmpty());
  }

  @Test
  void theLeaseIsRenewedAtHalfItsTime() throws Exception {
    Overlay overlay = start();
    clock.advance(LEASE.dividedBy(2).minusMillis(1));
    overlay.status();
    assertEquals(1, overlay.status().lease().orElseThrow().generation());
    clock.advance(Duration.ofMillis(1));
    await("renewal", () -> overlay.status().lease().orElseThrow().generation() == 2);
    assertEquals(Optional.of(clock.instant().plus(LEASE)), memory.list().getFirst().expires());
  }

  @Test
  void aLeaseByHandForThisHostStaysStatic() throws Exception {
    peer("10.244.5.0/24", "host-01", "10.17.2.2");
    Overlay overlay = start();
    assertEquals(subnet("10.244.5.0/24"), overlay.status().lease().orElseThrow().subnet());
    for (int i = 0; i < 5; i++) {
      clock.advance(LEASE);
      overlay.status();
    }
    assertEquals(1, memory.list().getFirst().generation(), "nothing to renew");
  }

  @Test
  void aNewUnderlayAddressIsAnnounced() {
    peer("10.244.5.0/24", "host-01", "10.17.2.99");
    start();
    Lease lease = memory.list().getFirst();
    assertEquals(address("10.17.2.2"), lease.vtep().address());
    assertEquals(2, lease.generation());
    assertEquals(Optional.empty(), lease.expires());
  }

  @Test
  void aLostLeaseIsShownAndGotBack() throws Exception {
    Overlay overlay = start();
    Lease own = overlay.status().lease().orElseThrow();
    Endpoint endpoint = overlay.attach(NETNS, "eth0", Optional.empty());
    memory.release(own.subnet(), own.generation());
    // Who is faster? Whichever it is, both must come to the same.
    await("got back at once", () -> memory.list().size() == 1);
    await(
        "a higher generation",
        () -> overlay.status().lease().orElseThrow().generation() > own.generation());

    Lease mine = memory.list().getFirst();
    Lease thief =
        new Lease(
            mine.subnet(),
            "thief",
            new Vtep(address("10.18.2.66"), 4789, VtepMac.derive("thief", Fixtures.VNI)),
            0,
            Optional.empty());
    memory.renew(thief, mine.generation());
    String loss = "This host lost its lease of 10.244.1.0/24 (VNI 1): thief at 10.18.2.66:4789";
    await(
        "the loss is shown, first of all",
        () -> overlay.status().problems().stream().limit(1).anyMatch(p -> p.startsWith(loss)));
    assertEquals(List.of(new LocalSubnet(own.subnet(), 0)), datapath.read().locals());
    assertEquals(List.of(endpoint), overlay.status().endpoints());
    assertThrows(
        IllegalStateException.class, () -> overlay.attach(NETNS, "eth1", Optional.empty()));

    Lease stolen = memory.list().getFirst();
    memory.release(stolen.subnet(), stolen.generation());
    await("got back", () -> overlay.status().problems().isEmpty());
    assertEquals("host-01", memory.list().getFirst().host());
  }

  @Test
  void anotherMachineWithThisNameIsShownAndNotFought() throws Exception {
    Overlay overlay = start();
    start(config("host-01", "10.18.2.2"), new FakeDatapath());
    await("the problem", () -> !overlay.status().problems().isEmpty());
    assertTrue(
        overlay.status().problems().getFirst().contains("another machine, 10.18.2.2:4789"),
        overlay.status().problems().toString());
    for (int i = 0; i < 5; i++) {
      clock.advance(Duration.ofMinutes(2));
      overlay.status();
    }
    assertEquals(address("10.18.2.2"), memory.list().getFirst().vtep().address());
  }

  @Test
  void eightHostsStartingAtOnceGetEightSubnets() throws Exception {
    List<Thread> threads = new ArrayList<>();
    List<Overlay> started = Collections.synchronizedList(new ArrayList<>());
    for (int i = 1; i <= 8; i++) {
      int number = i;
      threads.add(
          Thread.ofPlatform()
              .start(() ->
                  started.add(
                      Overlay.start(
                          config("host-" + number, "10.17.2." + number),
                          store,
                          new FakeDatapath(),
                          clock))));
    }
    for (Thread thread : threads) {
      thread.join(10_000);
    }
    overlays.addAll(started);
    assertEquals(8, started.size());
    assertEquals(8, memory.list().stream().map(Lease::host).distinct().count());
    for (Overlay overlay : started) {
      await("all see all", () -> remotes(overlay).size() == 7);
    }
  }

  @Test
  void subnetsOfHostsThatAreLongGoneAreReusedOnlyInNeed() {
    OverlayConfig small = config("host-09", "10.17.2.9", "10.244.0.0/23", null, false);
    memory.acquire(
        new Lease(
            subnet("10.244.1.0/24"),
            "gone",
            new Vtep(address("10.18.2.2"), 4789, VtepMac.derive("gone", Fixtures.VNI)),
            1,
            Optional.of(clock.instant())));
    clock.advance(LEASE.dividedBy(2));
    var e = assertThrows(IllegalStateException.class, () -> start(small, datapath));
    assertTrue(e.getMessage().contains("has no free subnet of length /24"), e.getMessage());

    clock.advance(Duration.ofSeconds(1));
    Overlay overlay = start(small, datapath);
    assertEquals(subnet("10.244.1.0/24"), overlay.status().lease().orElseThrow().subnet());
    assertEquals(List.of("host-09"), memory.list().stream().map(Lease::host).toList());
  }

  @Test
  void nextHopsFollowTheKernelAndBurstsAreOneLook() throws Exception {
    datapath.route("10.18.2.2", viaRouter("10.17.2.1"));
    peer("10.244.2.0/24", "host-02", "10.18.2.2");
    Overlay overlay = start();
    await("the peer", () -> remotes(overlay).size() == 1);
    int written = datapath.applied().size();

    for (int i = 2; i < 200; i++) {
      datapath.route("10.18.2.2", viaRouter("10.17.2." + i));
    }
    overlay.status();
    clock.advance(Duration.ofSeconds(1));
    await(
        "the last route",
        () ->
            overlay
                .status()
                .remotes()
                .getFirst()
                .nextHop()
                .equals(Optional.of(viaRouter("10.17.2.199"))));
    assertEquals(written + 1, datapath.applied().size());
  }

  @Test
  void directRoutingWhereTheLinkIsShared() throws Exception {
    datapath.route("10.17.2.3", onLink("10.17.2.3"));
    datapath.route("10.18.2.2", viaRouter("10.17.2.1"));
    peer("10.244.3.0/24", "host-03", "10.17.2.3");
    peer("10.244.2.0/24", "host-02", "10.18.2.2");
    Overlay overlay = start(config("host-01", "10.17.2.2", "10.244.0.0/16", null, true), datapath);
    await("both", () -> remotes(overlay).size() == 2);
    assertEquals(
        List.of(false, true),
        overlay.status().remotes().stream().map(RemoteSubnet::direct).toList());
  }

  @Test
  void aRefusedChangeIsShownAndRetried() throws Exception {
    datapath.refuse(Change.PutRemote.class::isInstance);
    peer("10.244.2.0/24", "host-02", "10.18.2.2");
    Overlay overlay = start();
    await("the failure", () -> !overlay.status().pending().isEmpty());
    assertTrue(
        overlay.status().pending().getFirst().contains("map full (E2BIG)"),
        overlay.status().pending().toString());
    datapath.refuse(_ -> false);
    overlay.status();
    assertEquals(List.of(), remotes(overlay), "not before its time");
    clock.advance(Duration.ofMinutes(1));
    await("the retry", () -> remotes(overlay).size() == 1);
    assertEquals(List.of(), overlay.status().pending());
  }

  @Test
  void tablesThatSomebodyElseEmptiedAreFilledAgain() throws Exception {
    peer("10.244.2.0/24", "host-02", "10.18.2.2");
    Overlay overlay = start();
    await("the peer", () -> remotes(overlay).size() == 1);
    datapath.flush();
    clock.advance(Duration.ofSeconds(31));
    await("the audit", () -> datapath.read().remotes().size() == 1);
    assertEquals(1, datapath.read().locals().size());
  }

  @Test
  void containersGetAddressesGatewayAndMtu() {
    Overlay overlay = start();
    assertEquals(address("10.244.1.2"), overlay.attach(NETNS, "eth0", Optional.empty()).address());
    InetAddress wanted = address("10.244.1.77");
    assertEquals(wanted, overlay.attach(NETNS, "eth1", Optional.of(wanted)).address());
    var e =
        assertThrows(
            IllegalArgumentException.class,
            () -> overlay.attach(NETNS, "eth2", Optional.of(wanted)));
    assertEquals("The address 10.244.1.77 is taken by a container.", e.getMessage());
    var attachment = datapath.attachments().getFirst();
    assertEquals(address("10.244.1.1"), attachment.addresses().getFirst().gateway());
    assertEquals(1450, attachment.mtuBytes());

    overlay.detach(address("10.244.1.2"));
    overlay.detach(address("10.244.1.2"));
    assertEquals(address("10.244.1.2"), overlay.attach(NETNS, "eth3", Optional.empty()).address());
  }

  @Test
  void interfaceNamesAreChecked() {
    Overlay overlay = start();
    for (String name : List.of("", "a/b", "a b", "sixteen-letters!", "..", "a:b")) {
      assertThrows(
          IllegalArgumentException.class,
          () -> overlay.attach(NETNS, name, Optional.empty()),
          name);
    }
    assertThrows(IllegalArgumentException.class, () -> overlay.attachBridge("no such/bridge"));
  }

  @Test
  void aContainerWhoseInterfaceVanishedIsForgotten() throws Exception {
    Overlay overlay = start();
    Endpoint one = overlay.attach(NETNS, "eth0", Optional.empty());
    Endpoint two = overlay.attach(NETNS, "eth1", Optional.empty());
    datapath.vanish(one.address());
    overlay.status();
    clock.advance(Duration.ofSeconds(1));
    await("one left", () -> overlay.status().endpoints().equals(List.of(two)));
    assertEquals(1, datapath.read().endpoints().size());
  }

  @Test
  void aForeignBridgeStaysAttachedOverARestart() throws Exception {
    Overlay first = start();
    first.attachBridge("br0");
    clock.advance(Duration.ofSeconds(31));
    first.status();
    first.status();
    var withBridge = List.of(new LocalSubnet(subnet("10.244.1.0/24"), 77));
    assertEquals(withBridge, datapath.read().locals());
    first.close();

    Overlay second = start();
    await("the snapshot", () -> second.status().storeRevision() > 0);
    second.status();
    assertEquals(withBridge, datapath.read().locals());
    second.detachBridge("br0");
    second.status();
    assertEquals(List.of(new LocalSubnet(subnet("10.244.1.0/24"), 0)), datapath.read().locals());
  }

  @Test
  void aFailedStartGivesANewLeaseBack() {
    datapath.failStart(new IllegalStateException("The kernel has no BPF."));
    var e = assertThrows(IllegalStateException.class, this::start);
    assertEquals("The kernel has no BPF.", e.getMessage());
    assertEquals(List.of(), memory.list());
  }

  @Test
  void aFailedStartKeepsAnOldLease() {
    start().close();
    datapath.failStart(new IllegalStateException("The kernel has no BPF."));
    assertThrows(IllegalStateException.class, this::start);
    assertEquals(1, memory.list().size());
  }

  @Test
  void anMtuThatIsTooSmallIsAClearWord() {
    datapath.setMtu(575);
    var e = assertThrows(IllegalStateException.class, this::start);
    assertEquals(
        "The underlay interface leaves containers an MTU of 575 bytes, and at least 576 are needed;"
            + " raise the underlay interface's MTU.",
        e.getMessage());
    assertEquals(List.of(), memory.list());
  }

  @Test
  void aConfigurationThatAsksForAnotherSubnetThanIsHeldIsShown() {
    start().close();
    Overlay overlay =
        start(config("host-01", "10.17.2.2", "10.244.0.0/16", "10.244.7.0/24", false), datapath);
    assertEquals(
        List.of(
            "This host holds 10.244.1.0/24 (VNI 1) though its configuration asks for 10.244.7.0/24;"
                + " leave the overlay and start again to change it."),
        overlay.status().problems());
  }

  @Test
  void aHostThatMovesIsFollowedByTheOthers() throws Exception {
    Overlay one = start();
    Overlay two = start(config("host-02", "10.18.2.2"), new FakeDatapath());
    await("each sees the other", () -> remotes(two).equals(List.of("10.244.1.0/24 10.17.2.2")));

    one.moveTo(address("10.17.2.9"));

    await("the datapath is there", () -> datapath.vtep().address().equals(address("10.17.2.9")));
    await("the other follows", () -> remotes(two).equals(List.of("10.244.1.0/24 10.17.2.9")));
    await(
        "entries have the new sender",
        () ->
            one.status().remotes().stream()
                .allMatch(r -> r.local().address().equals(address("10.17.2.9"))));
    assertEquals(List.of(), one.status().problems());
    assertEquals(2, memory.list().size());
  }

  @Test
  void aMoveWaitsForTheStore() throws Exception {
    Overlay overlay = start();
    store.setAway(true);
    overlay.moveTo(address("10.17.2.9"));
    await("it says why", () -> !overlay.status().problems().isEmpty());
    assertEquals(address("10.17.2.2"), datapath.vtep().address());

    store.setAway(false);
    clock.advance(Duration.ofMinutes(1));
    await("it has moved", () -> datapath.vtep().address().equals(address("10.17.2.9")));
    assertEquals(address("10.17.2.9"), memory.list().getFirst().vtep().address());
  }

  @Test
  void aHostCannotMoveIntoItsOwnTunnelOrToAnotherFamily() {
    Overlay overlay = start();
    assertThrows(IllegalArgumentException.class, () -> overlay.moveTo(address("10.244.7.7")));
    assertThrows(IllegalArgumentException.class, () -> overlay.moveTo(address("fd17::9")));
  }

  @Test
  void aChangeOfTheNetworkHasTheDatapathLookAtItsDevices() throws Exception {
    Overlay _ = start();
    await("the first look", () -> datapath.refreshes() > 0);
    int before = datapath.refreshes();
    datapath.route("10.18.2.2", viaRouter("10.17.2.1"));
    await(
        "another look",
        () -> {
          clock.advance(Duration.ofMillis(100)); // the burst is over at some time
          return datapath.refreshes() > before;
        });
  }
}
