// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static dev.culvert.control.Fixtures.address;
import static dev.culvert.control.Fixtures.subnet;
import static dev.culvert.control.Fixtures.viaRouter;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.Vtep;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.RefusedException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;

/** A host that did not run for a while, or whose clock is set, and its lease. */
final class FrozenHostTest extends OverlayFixture {
  private static final String SLEPT = "This host slept past the end of its lease of 10.244.1.0/24";

  private Overlay startWithPeer() throws InterruptedException {
    datapath.route("10.18.2.2", viaRouter("10.17.2.1"));
    peer("10.244.2.0/24", "host-02", "10.18.2.2");
    Overlay overlay = start();
    await("the peer", () -> remotes(overlay).size() == 1);
    return overlay;
  }

  private static boolean says(Overlay overlay, String beginning) {
    return overlay.status().problems().stream().anyMatch(p -> p.startsWith(beginning));
  }

  private static boolean reaches(Overlay overlay) {
    return overlay.status().remotes().getFirst().nextHop().isPresent();
  }

  @Test
  void whoSleepsPastItsLeaseCarriesNothingUntilTheStoreHasSpoken() throws Exception {
    Overlay overlay = startWithPeer();
    store.setAway(true);
    clock.advance(LEASE);
    await("the sentence", () -> says(overlay, SLEPT));
    assertEquals(List.of(), datapath.read().locals());
    assertFalse(reaches(overlay), "its containers' packets go nowhere");
    assertEquals(1, remotes(overlay).size(), "and nothing is forgotten");
    var e =
        assertThrows(
            RefusedException.class,
            () -> overlay.attach(NETNS, new InterfaceName("eth0"), Optional.empty()));
    assertTrue(e.getMessage().startsWith("No container can be attached: " + SLEPT), e.getMessage());

    store.setAway(false);
    clock.advance(Duration.ofSeconds(3));
    await("the lease is confirmed", () -> overlay.status().problems().isEmpty());
    assertEquals(List.of(new LocalSubnet(subnet("10.244.1.0/24"), 0)), datapath.read().locals());
    assertTrue(reaches(overlay));
  }

  /** A restart makes nobody whole who was cut off, though the kernel knows which subnet it had. */
  @Test
  void whoWasCutOffWhenItsAgentEndedStartsCutOff() throws Exception {
    Overlay first = startWithPeer();
    store.setAway(true);
    clock.advance(LEASE);
    await("the sentence", () -> says(first, SLEPT));
    first.close();

    Overlay second = start();
    assertTrue(
        says(second, "This host was cut off already when its agent ended"),
        second.status().problems().toString());
    assertEquals(List.of(), datapath.read().locals());
    assertFalse(reaches(second));

    store.setAway(false);
    clock.advance(Duration.ofSeconds(3));
    await("the lease is confirmed", () -> second.status().problems().isEmpty());
    assertEquals(List.of(new LocalSubnet(subnet("10.244.1.0/24"), 0)), datapath.read().locals());
    assertTrue(reaches(second));
  }

  private static final String NO_AGENT =
      "This host had no agent past the end of its lease of 10.244.1.0/24";

  /** Others may have waited for its end while nobody here could hear of it. */
  @Test
  void whoWasDeadPastItsLeaseStartsCutOffWithoutTheStore() throws Exception {
    startWithPeer().close();
    store.setAway(true);
    clock.advance(LEASE);
    Overlay overlay = start();
    assertTrue(says(overlay, NO_AGENT), overlay.status().problems().toString());
    assertEquals(List.of(), datapath.read().locals());
    assertFalse(reaches(overlay));
    assertEquals(1, remotes(overlay).size(), "and nothing is forgotten");

    store.setAway(false);
    clock.advance(Duration.ofSeconds(3));
    await("the lease is confirmed", () -> overlay.status().problems().isEmpty());
    assertEquals(List.of(new LocalSubnet(subnet("10.244.1.0/24"), 0)), datapath.read().locals());
  }

  @Test
  void whoRestartsWithinItsLeaseGoesOnWithoutTheStoreAndIsGivenNoTimeAnew() throws Exception {
    startWithPeer().close();
    store.setAway(true);
    clock.advance(LEASE.minusSeconds(10));
    Overlay overlay = start();
    assertFalse(says(overlay, NO_AGENT), overlay.status().problems().toString());
    assertEquals(1, datapath.read().locals().size());
    assertTrue(reaches(overlay));
    overlay.close();
    clock.advance(Duration.ofSeconds(20));
    assertTrue(says(start(), NO_AGENT), "its lease ended while it was dead for the second time");
  }

  @Test
  void whoSleptWhileAnotherGotItsSubnetLeavesItThere() throws Exception {
    Overlay overlay = startWithPeer();
    var _ = overlay.attach(NETNS, new InterfaceName("eth0"), Optional.empty());
    // Nobody tells a sleeping host: its watch is told later.
    store.setAway(true);
    Lease own = memory.list().getFirst();
    memory.release(own);
    memory.acquire(
        new Lease(
            own.subnet(),
            new HostName("host-03"),
            new Vtep(
                address("10.19.2.2"), 4789, VtepMac.derive(new HostName("host-03"), Fixtures.VNI)),
            0,
            Optional.of(Lease.Term.from(clock.instant(), LEASE))));
    clock.advance(LEASE);
    store.setAway(false);

    await(
        "the loss",
        () -> says(overlay, "This host lost its lease of 10.244.1.0/24 (VNI 1): host-03 at 10.19"));
    Lease theirs = memory.list().getFirst();
    assertEquals("host-03", theirs.host().text());
    assertTrue(theirs.generation() > own.generation());
    for (int i = 0; i < 3; i++) {
      clock.advance(Duration.ofMinutes(2));
      overlay.status();
    }
    assertEquals(theirs, memory.list().getFirst());
    assertEquals(List.of(), datapath.read().locals());
  }

  /** On the test's own thread, or a turn that comes late would be a sleep. */
  @Test
  void anOutageThatIsWatchedCutsNobodyOff() {
    Queue<Runnable> mailbox = new ConcurrentLinkedQueue<>();
    OverlayConfig config = config("host-01", "10.17.2.2");
    OverlayCore core =
        new OverlayCore(
            config,
            new OverlayCore.Surroundings(store, datapath, new SteadyClock(clock)),
            mailbox::add);
    core.start();
    store.setAway(true);
    for (Duration passed = Duration.ZERO;
        passed.compareTo(LEASE.multipliedBy(2)) < 0;
        passed = passed.plus(Wakefulness.NAP)) {
      clock.advance(Wakefulness.NAP);
      for (Runnable message = mailbox.poll(); message != null; message = mailbox.poll()) {
        message.run();
      }
      core.doWork();
    }
    List<String> problems = core.status().problems();
    assertFalse(problems.stream().anyMatch(p -> p.startsWith(SLEPT)), problems.toString());
    assertEquals(1, datapath.read().locals().size());

    clock.advance(Wakefulness.NAP.minusSeconds(1));
    core.stop();
    OverlayCore next =
        new OverlayCore(
            config,
            new OverlayCore.Surroundings(store, datapath, new SteadyClock(clock)),
            mailbox::add);
    next.start();
    assertEquals(1, datapath.read().locals().size(), "a short restart is no longer than a nap");

    clock.advance(Wakefulness.NAP.plusMillis(1));
    next.doWork();
    assertTrue(next.status().problems().stream().anyMatch(p -> p.startsWith(SLEPT)), "a nap");
    next.stop();
  }

  @Test
  void aShortSleepIsNoReasonToDoubt() throws Exception {
    Overlay overlay = startWithPeer();
    store.setAway(true);
    clock.advance(LEASE.dividedBy(2));
    overlay.status();
    assertFalse(says(overlay, SLEPT));
    assertEquals(1, datapath.read().locals().size());
  }

  @Test
  void theBridgeIsStillKnownAfterwards() throws Exception {
    Overlay overlay = startWithPeer();
    overlay.attachBridge(new InterfaceName("br0"));
    List<LocalSubnet> before = datapath.read().locals();
    assertTrue(before.getFirst().bridgeIndex() > 0);
    store.setAway(true);
    clock.advance(LEASE);
    await("the sentence", () -> says(overlay, SLEPT));
    store.setAway(false);
    clock.advance(Duration.ofSeconds(3));
    await("the lease is confirmed", () -> !says(overlay, SLEPT));
    await("the bridge", () -> datapath.read().locals().equals(before));
  }

  @Test
  void aClockThatIsSetBackStopsNoRenewal() throws Exception {
    Overlay overlay = startWithPeer();
    Instant end = memory.list().getFirst().expires().orElseThrow();
    clock.set(Duration.ofDays(-2));
    for (int i = 0; i < 4; i++) {
      long generation = overlay.status().lease().orElseThrow().generation();
      clock.advance(LEASE.dividedBy(2));
      await("renewal", () -> overlay.status().lease().orElseThrow().generation() > generation);
      Instant next = memory.list().getFirst().expires().orElseThrow();
      assertTrue(next.isAfter(end), next + " is not after " + end);
      end = next;
    }
  }

  @Test
  void aClockThatIsSetForwardRenewsNothingTooEarlyAndIsWrittenDown() throws Exception {
    Overlay overlay = startWithPeer();
    await("the snapshot", () -> overlay.status().storeRevision() > 0);
    clock.set(Duration.ofDays(2));
    overlay.status();
    assertEquals(1, overlay.status().lease().orElseThrow().generation());
    clock.advance(LEASE.dividedBy(2));
    await("renewal", () -> overlay.status().lease().orElseThrow().generation() == 2);
    assertEquals(
        Optional.of(Lease.Term.from(clock.instant(), LEASE)), memory.list().getFirst().term());
  }
}
