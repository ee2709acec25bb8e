// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static dev.culvert.control.Fixtures.address;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.IpPrefix;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.RefusedException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** How long calls wait for an overlay that a store holds up is the embedder's to say. */
final class TimeoutsTest extends OverlayFixture {
  private static final Duration SHORT = Duration.ofMillis(300);

  /** Far below what the overlay would wait by itself. */
  private static final Duration SOON = Duration.ofSeconds(5);

  private final HostileStore hostile = new HostileStore(memory);
  private final CountDownLatch hung = new CountDownLatch(1);

  @AfterEach
  void letGo() {
    hung.countDown();
  }

  private static OverlayConfig config(Timeouts timeouts) {
    return OverlayConfig.builder(new HostName("host-01"), address("10.17.2.2"))
        .network(IpPrefix.parse("10.244.0.0/16"))
        .leaseDuration(LEASE)
        .timeouts(timeouts)
        .build();
  }

  private static void isBusy(String what, Executable call) {
    OverlayBusyException busy =
        assertTimeoutPreemptively(SOON, () -> assertThrows(OverlayBusyException.class, call));
    assertTrue(busy.getMessage().contains(what), busy.getMessage());
  }

  @Test
  void callsEndWhenTheirTimeIsOver() throws Exception {
    Timeouts timeouts = Timeouts.DEFAULT.withCall(SHORT).withLeave(SHORT);
    Overlay overlay = Overlay.start(config(timeouts), hostile, datapath, clock);
    overlays.add(overlay);
    hostile.hang(hung);
    clock.advance(LEASE.dividedBy(2)); // a renewal is due
    await("the store holds it up", () -> overlay.busyFor().compareTo(Duration.ofMillis(50)) > 0);

    isBusy(
        "attaching eth0 of " + NETNS + " was not begun, and will not be.",
        () -> overlay.attach(NETNS, new InterfaceName("eth0"), Optional.empty()));
    isBusy("detaching 10.244.1.9 was not begun", () -> overlay.detach(address("10.244.1.9")));
    isBusy("subscribing was not begun", () -> overlay.subscribe(_ -> {}));
    isBusy("leaving was not begun", overlay::leave);
    hung.countDown();
    await("it goes on", () -> overlay.busyFor().isZero());
    assertEquals(0, datapath.attachments().size(), "what was given up is not done later");
    assertEquals(1, memory.list().size(), "nor did it leave");
  }

  @Test
  void theStartEndsWhenItsTimeIsOver() {
    hostile.hang(hung);
    isBusy(
        "starting is under way for longer than",
        () -> Overlay.start(config(Timeouts.DEFAULT.withStart(SHORT)), hostile, datapath, clock));
  }

  @Test
  void whatIsNoTimeIsRefused() {
    assertThrows(RefusedException.class, () -> Timeouts.DEFAULT.withClose(Duration.ZERO));
    assertThrows(RefusedException.class, () -> Timeouts.DEFAULT.withCall(Duration.ofDays(2)));
    assertEquals(
        new Timeouts(Duration.ofMinutes(1), SHORT, Duration.ofMinutes(1), Duration.ofSeconds(10)),
        config(Timeouts.DEFAULT.withCall(SHORT)).withTakeOver(true).timeouts());
  }
}
