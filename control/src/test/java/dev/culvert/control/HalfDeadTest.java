// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.InterfaceName;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Whatever a store or datapath does, the overlay works on, answers, and can be ended. */
final class HalfDeadTest extends OverlayFixture {
  private final HostileStore hostile = new HostileStore(memory);
  private final CountDownLatch hung = new CountDownLatch(1);

  @AfterEach
  void letGo() {
    hung.countDown();
  }

  private Overlay startHostile() {
    Overlay overlay = Overlay.start(config("host-01", "10.17.2.2"), hostile, datapath, clock);
    overlays.add(overlay);
    return overlay;
  }

  private static boolean hasProblem(Overlay overlay, String part) {
    return overlay.status().problems().stream().anyMatch(problem -> problem.contains(part));
  }

  @Test
  void aRenewalThatThrowsOrSaysNothingIsTriedAgainWithPatience() throws Exception {
    Overlay overlay = startHostile();
    await("the snapshot", () -> overlay.status().storeRevision() > 0);
    hostile.answersNull = true;
    clock.advance(LEASE.dividedBy(2));
    await("the null", () -> hasProblem(overlay, "with null."));
    hostile.answersNull = false;
    hostile.before =
        () -> {
          throw new ArithmeticException("by zero");
        };
    clock.advance(Duration.ofSeconds(2));
    await("the exception", () -> hasProblem(overlay, "by zero"));
    int before = hostile.renewals.get();
    for (int i = 0; i < 100; i++) {
      overlay.status();
    }
    assertEquals(before, hostile.renewals.get(), "the clock stands still, so nothing is due");
    assertTrue(before <= 4, before + " renewals");

    hostile.before = () -> {};
    clock.advance(Duration.ofMinutes(2));
    await("the renewal", () -> overlay.status().problems().isEmpty());
    assertTrue(overlay.status().lease().orElseThrow().generation() > 1);
  }

  @Test
  void problemsThatThrowAreASentence() throws Exception {
    hostile.beforeProblems =
        () -> {
          throw new IllegalStateException("none of your business");
        };
    Overlay overlay = startHostile();
    await("the sentence", () -> hasProblem(overlay, "none of your business"));
    hostile.beforeProblems = () -> {};
    await("its end", () -> overlay.status().problems().isEmpty());
  }

  @Test
  void anErrorOfTheDatapathIsASentenceAndIsTriedAgain() throws Exception {
    BlockingQueue<Throwable> told = new LinkedBlockingQueue<>();
    Thread.UncaughtExceptionHandler before = Thread.getDefaultUncaughtExceptionHandler();
    Thread.setDefaultUncaughtExceptionHandler((thread, e) -> told.add(e));
    try {
      survive();
    } finally {
      Thread.setDefaultUncaughtExceptionHandler(before);
    }
    assertTrue(told.stream().allMatch(NoClassDefFoundError.class::isInstance), told.toString());
    assertTrue(!told.isEmpty(), "the process does not hear of it");
  }

  private void survive() throws Exception {
    Overlay overlay = startHostile();
    datapath.failWith(new NoClassDefFoundError("dev/culvert/Gone"));
    peer("10.244.2.0/24", "host-02", "10.18.2.2");
    await("the sentence", () -> hasProblem(overlay, "dev/culvert/Gone"));
    assertEquals(List.of(), remotes(overlay));
    datapath.failWith(null);
    clock.advance(Duration.ofMinutes(2));
    await("the peer", () -> remotes(overlay).size() == 1);
    await("no problem", () -> overlay.status().problems().isEmpty());
  }

  @Test
  void aHungStoreKeepsNeitherStatusNorTheEndWaiting() throws Exception {
    Overlay overlay = startHostile();
    await("the snapshot", () -> overlay.status().storeRevision() > 0);
    List<Lease> leases = overlay.status().leases();
    hostile.hang(hung);
    clock.advance(LEASE.dividedBy(2));
    await("the renewal under way", () -> hostile.renewals.get() > 0);

    OverlayStatus status = assertTimeoutPreemptively(Duration.ofSeconds(5), overlay::status);
    assertEquals(leases, status.leases());
    assertTrue(
        status.problems().getFirst().contains("(Keeping the lease of 10.244.1.0/24 (VNI 1)); this"),
        status.problems().toString());
    assertTimeoutPreemptively(Duration.ofSeconds(5), overlay::close);
    assertThrows(
        IllegalStateException.class,
        () -> overlay.attach(NETNS, new InterfaceName("eth0"), Optional.empty()));
  }
}
