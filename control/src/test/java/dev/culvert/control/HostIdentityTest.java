// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static dev.culvert.control.Fixtures.address;
import static dev.culvert.control.Fixtures.subnet;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.RefusedException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Two machines of one name, and one machine that is not as it was. */
final class HostIdentityTest extends OverlayFixture {
  private static boolean says(Overlay overlay, String part) {
    return overlay.status().problems().stream().anyMatch(p -> p.contains(part));
  }

  @Test
  void aSecondMachineWithALivingHostsNameIsRefusedWithBothVteps() throws Exception {
    Overlay living = start();
    await("the snapshot", () -> living.status().storeRevision() > 0);
    var e =
        assertThrows(
            HostNameTakenException.class,
            () -> start(config("host-01", "10.18.2.2"), new FakeDatapath()));
    assertTrue(e.getMessage().contains("it lives at 10.17.2.2:4789 (6e:90:6b"), e.getMessage());
    assertTrue(e.getMessage().contains("this machine is at 10.18.2.2:4789;"), e.getMessage());
    await("all is well", () -> living.status().problems().isEmpty());
    assertEquals(address("10.17.2.2"), memory.list().getFirst().vtep().address());
  }

  /** As cloned machines are, each on its own 10.0.2.15. */
  @Test
  void theSameAddressTooIsRefused() throws Exception {
    Overlay living = start();
    await("the snapshot", () -> living.status().storeRevision() > 0);
    assertThrows(
        HostNameTakenException.class,
        () -> start(config("host-01", "10.17.2.2"), new FakeDatapath()));
    await("all is well", () -> living.status().problems().isEmpty());
    assertEquals(1, memory.list().size());
  }

  @Test
  void whatTheKernelKnowsNeedsNoQuestion() {
    start().close();
    Overlay again = start(config("host-01", "10.17.2.77"), datapath);
    Lease lease = again.status().lease().orElseThrow();
    assertEquals(2, lease.generation(), "one renewal, and no challenge before it");
    assertEquals(address("10.17.2.77"), lease.vtep().address());
    assertEquals(Fixtures.HOST_01_MAC, lease.vtep().mac().toString());
  }

  /** Rebooted, or made anew: the kernel knows nothing, and nobody answers for the old lease. */
  @Test
  void aMachineThatForgotEverythingGetsItsLeaseBack() {
    start().close();
    Overlay anew = start(config("host-01", "10.18.2.2"), new FakeDatapath());
    Lease lease = anew.status().lease().orElseThrow();
    assertEquals(subnet("10.244.1.0/24"), lease.subnet());
    assertEquals(address("10.18.2.2"), lease.vtep().address());
    assertNotEquals(Fixtures.HOST_01_MAC, lease.vtep().mac().toString());
    assertEquals(1, memory.list().size());
    assertEquals(List.of(), anew.status().problems());
  }

  @Test
  void whoWasTakenOverWhileItsAgentWasDeadIsRefusedInTurn() throws Exception {
    start().close();
    Overlay anew = start(config("host-01", "10.17.2.2"), new FakeDatapath());
    await("the snapshot", () -> anew.status().storeRevision() > 0);
    assertThrows(
        HostNameTakenException.class, () -> start(config("host-01", "10.17.2.2"), datapath));
    await("all is well", () -> anew.status().problems().isEmpty());
  }

  @Test
  void takingOverIsDoneOnDemandAndTheOtherIsFencedAndDoesNotFight() throws Exception {
    Overlay living = start();
    await("the snapshot", () -> living.status().storeRevision() > 0);
    // The same address: only the MAC tells the two apart.
    Overlay successor =
        start(config("host-01", "10.17.2.2").withTakeOver(true), new FakeDatapath());
    await("the loss", () -> says(living, "another machine, 10.17.2.2:4789"));
    assertEquals(List.of(), datapath.read().locals());
    Lease theirs = memory.list().getFirst();
    for (int i = 0; i < 5; i++) {
      clock.advance(Duration.ofMinutes(2));
      living.status();
    }
    assertEquals(theirs, memory.list().getFirst());
    assertEquals(theirs, successor.status().lease().orElseThrow());
  }

  /** Its file is somebody's own word, and nobody renews it. */
  @Test
  void aStaticLeaseThatNamesAnotherAddressIsNotOverwritten() {
    peer("10.244.5.0/24", "host-01", "10.17.2.99");
    var e = assertThrows(HostNameTakenException.class, this::start);
    assertTrue(e.getMessage().contains("a static lease has it at 10.17.2.99:4789"), e.getMessage());
    assertTrue(e.getMessage().contains("this machine is at 10.17.2.2:4789;"), e.getMessage());
    assertEquals(1, memory.list().getFirst().generation());

    start(config("host-01", "10.17.2.2").withTakeOver(true), datapath);
    Lease lease = memory.list().getFirst();
    assertEquals(address("10.17.2.2"), lease.vtep().address());
    assertTrue(lease.isStatic());
  }

  @Test
  void aFullNetworkTakesNothingFromALivingHostOnTheWordOfAClock() throws Exception {
    Overlay living = start(config("host-01", "10.17.2.2", "10.244.0.0/23", null, false), datapath);
    await("the snapshot", () -> living.status().storeRevision() > 0);
    ManualClock fast = new ManualClock();
    fast.set(Duration.ofDays(2));
    OverlayConfig newcomer = config("host-02", "10.18.2.2", "10.244.0.0/23", null, false);
    var e =
        assertThrows(
            RefusedException.class,
            () -> overlays.add(Overlay.start(newcomer, store, new FakeDatapath(), fast)));
    assertTrue(e.getMessage().contains("has no free subnet of length /24"), e.getMessage());
    assertEquals("host-01", memory.list().getFirst().host().text());
    await("all is well", () -> living.status().problems().isEmpty());
  }

  @Test
  void aFullNetworkTakesNothingFromADeadHostWhoseLeaseGoesOnByTheClockOfTheStore() {
    start(config("host-01", "10.17.2.2", "10.244.0.0/23", null, false), datapath).close();
    ManualClock fast = new ManualClock();
    fast.set(Duration.ofDays(2));
    OverlayConfig newcomer = config("host-02", "10.18.2.2", "10.244.0.0/23", null, false);
    store.setTime(clock.instant());
    assertThrows(
        RefusedException.class,
        () -> overlays.add(Overlay.start(newcomer, store, new FakeDatapath(), fast)));
    assertEquals("host-01", memory.list().getFirst().host().text());

    store.setTime(fast.instant());
    overlays.add(Overlay.start(newcomer, store, new FakeDatapath(), fast));
    assertEquals("host-02", memory.list().getFirst().host().text());
  }
}
