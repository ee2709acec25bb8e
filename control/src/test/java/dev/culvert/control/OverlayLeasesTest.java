// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static dev.culvert.control.Fixtures.address;
import static dev.culvert.control.Fixtures.subnet;
import static dev.culvert.control.Fixtures.viaRouter;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.Vtep;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.RefusedException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** How a running host holds its lease: renewal, loss, races, moves, and a store that is away. */
final class OverlayLeasesTest extends OverlayFixture {
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
            new HostName("host-02"),
            new Vtep(
                address("10.18.2.2"), 4789, VtepMac.derive(new HostName("host-02"), Fixtures.VNI)),
            1,
            Optional.of(Lease.Term.from(clock.instant(), LEASE))));
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
    // Heard later than the renewal, it would have the overlay renew once more.
    await("the snapshot", () -> overlay.status().storeRevision() > 0);
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
  void aLostLeaseIsShownAndGotBack() throws Exception {
    Overlay overlay = start();
    Lease own = overlay.status().lease().orElseThrow();
    Endpoint endpoint = overlay.attach(NETNS, new InterfaceName("eth0"), Optional.empty());
    memory.release(own);
    // Who is faster? Whichever it is, both must come to the same.
    await("got back at once", () -> memory.list().size() == 1);
    await(
        "a higher generation",
        () -> overlay.status().lease().orElseThrow().generation() > own.generation());

    Lease mine = memory.list().getFirst();
    Lease thief =
        new Lease(
            mine.subnet(),
            new HostName("thief"),
            new Vtep(
                address("10.18.2.66"), 4789, VtepMac.derive(new HostName("thief"), Fixtures.VNI)),
            0,
            Optional.empty());
    memory.renew(mine, thief);
    String loss = "This host lost its lease of 10.244.1.0/24 (VNI 1): thief at 10.18.2.66:4789";
    await(
        "the loss is shown, first of all",
        () -> overlay.status().problems().stream().limit(1).anyMatch(p -> p.startsWith(loss)));
    assertEquals(List.of(), datapath.read().locals(), "it is the thief's now");
    assertEquals(List.of(endpoint), overlay.status().endpoints());
    assertThrows(
        RefusedException.class,
        () -> overlay.attach(NETNS, new InterfaceName("eth1"), Optional.empty()));

    Lease stolen = memory.list().getFirst();
    memory.release(stolen);
    await("got back", () -> overlay.status().problems().isEmpty());
    assertEquals(List.of(new LocalSubnet(own.subnet(), 0)), datapath.read().locals());
    assertEquals("host-01", memory.list().getFirst().host().text());
  }

  @Test
  void twoHostsWithOneVtepAreToldOnEveryOther() throws Exception {
    Overlay overlay = start();
    peer("10.244.8.0/24", "twin-8", "10.0.2.15");
    peer("10.244.9.0/24", "twin-9", "10.0.2.15");
    await(
        "the sentence",
        () ->
            overlay.status().problems().stream()
                .anyMatch(p -> p.contains("twin-8 and twin-9 name one VTEP address, 10.0.2.15")));
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
            new HostName("gone"),
            new Vtep(
                address("10.18.2.2"), 4789, VtepMac.derive(new HostName("gone"), Fixtures.VNI)),
            1,
            Optional.of(Lease.Term.until(clock.instant()))));
    clock.advance(LEASE.dividedBy(2));
    var e = assertThrows(RefusedException.class, () -> start(small, datapath));
    assertTrue(e.getMessage().contains("has no free subnet of length /24"), e.getMessage());

    clock.advance(Duration.ofSeconds(1));
    Overlay overlay = start(small, datapath);
    assertEquals(subnet("10.244.1.0/24"), overlay.status().lease().orElseThrow().subnet());
    assertEquals(
        List.of(new HostName("host-09")), memory.list().stream().map(Lease::host).toList());
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
    assertThrows(RefusedException.class, () -> overlay.moveTo(address("10.244.7.7")));
    assertThrows(RefusedException.class, () -> overlay.moveTo(address("fd17::9")));
  }
}
