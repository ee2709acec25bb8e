// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class MailboxTest {
  private final Mailbox mailbox = new Mailbox("mailbox of a test");
  private final AtomicInteger worked = new AtomicInteger();

  private void start() {
    mailbox.start("culvert-test", worked::incrementAndGet, () -> Instant.MAX, Clock.systemUTC());
    mailbox.ready();
  }

  @AfterEach
  void stop() {
    mailbox.stop(() -> {});
  }

  @Test
  void messagesAreCarriedOutInOrderOnOneNamedThread() {
    start();
    List<String> seen = new ArrayList<>();
    mailbox.post(() -> seen.add("one on " + Thread.currentThread().getName()));
    assertEquals("two", mailbox.call(() -> "two"));
    assertEquals(List.of("one on culvert-test"), mailbox.call(() -> List.copyOf(seen)));
  }

  @Test
  void aFailureReachesTheCallerAndTheThreadGoesOn() {
    start();
    var e =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                mailbox.run(() -> {
                  throw new IllegalArgumentException("no");
                }));
    assertEquals("no", e.getMessage());
    assertEquals(1, mailbox.call(() -> 1));
  }

  @Test
  void callsFromTheThreadItselfDoNotWaitForThemselves() {
    start();
    assertEquals(3, mailbox.call(() -> mailbox.call(() -> 3)));
  }

  @Test
  void afterTheEndCallersHearOfItAndNobodyWaits() {
    start();
    mailbox.stop(() -> {});
    mailbox.stop(() -> {});
    mailbox.post(() -> {});
    var e = assertThrows(IllegalStateException.class, () -> mailbox.run(() -> {}));
    assertEquals("The mailbox of a test is closed.", e.getMessage());
  }

  @Test
  void anErrorThatEndsTheThreadLeavesNobodyWaiting() throws Exception {
    start();
    CountDownLatch block = new CountDownLatch(1);
    mailbox.post(() -> {
      try {
        assertTrue(block.await(10, TimeUnit.SECONDS));
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    });
    Thread dying =
        Thread.ofPlatform()
            .start(() ->
                assertThrows(
                    StackOverflowError.class,
                    () ->
                        mailbox.run(() -> {
                          throw new StackOverflowError("on purpose");
                        })));
    block.countDown();
    dying.join(10_000);
    assertThrows(IllegalStateException.class, () -> mailbox.run(() -> {}));
  }

  @Test
  void anInterruptedCallerStillGetsItsAnswerAndStaysInterrupted() {
    start();
    Thread.currentThread().interrupt();
    assertEquals(5, mailbox.call(() -> 5));
    assertTrue(Thread.interrupted());
  }
}
