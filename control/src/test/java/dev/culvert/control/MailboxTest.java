// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class MailboxTest {
  private static final Duration LONG = Duration.ofSeconds(20);
  private static final Duration SHORT = Duration.ofMillis(50);

  private final Mailbox mailbox = new Mailbox("mailbox of a test");
  private final AtomicInteger worked = new AtomicInteger();

  private void start() {
    start(worked::incrementAndGet, () -> Instant.MAX);
  }

  private void start(Runnable work, Supplier<Instant> deadline) {
    mailbox.start(
        "culvert-test", new Mailbox.Work(work, deadline, () -> "a task"), Clock.systemUTC());
    mailbox.ready();
  }

  @AfterEach
  void stop() {
    mailbox.stop(Question.order("ending", LONG, () -> {}), () -> {});
  }

  private <T> T call(Supplier<T> action) {
    return mailbox.call(Question.of("a question", LONG, action));
  }

  private void run(Runnable action) {
    Void _ = mailbox.call(Question.order("an order", LONG, action));
  }

  /** Keeps the thread from everything else until it is counted down. */
  private CountDownLatch block() {
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch block = new CountDownLatch(1);
    mailbox.post(() -> {
      entered.countDown();
      await(block);
    });
    await(entered);
    return block;
  }

  private static void await(CountDownLatch latch) {
    try {
      assertTrue(latch.await(20, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @SuppressWarnings("unchecked") // which is the point: nobody declared it
  private static <E extends Exception> void throwUndeclared(Exception e) throws E {
    throw (E) e;
  }

  @Test
  void messagesAreCarriedOutInOrderOnOneNamedThread() {
    start();
    List<String> seen = new ArrayList<>();
    mailbox.post(() -> seen.add("one on " + Thread.currentThread().getName()));
    assertEquals("two", call(() -> "two"));
    assertEquals(List.of("one on culvert-test"), call(() -> List.copyOf(seen)));
  }

  @Test
  void aFailureReachesTheCallerAndTheThreadGoesOn() {
    start();
    var e =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                run(() -> {
                  throw new IllegalArgumentException("no");
                }));
    assertEquals("no", e.getMessage());
    assertEquals(1, call(() -> 1));
  }

  @Test
  void callsFromTheThreadItselfDoNotWaitForThemselves() {
    start();
    assertEquals(3, call(() -> call(() -> 3)));
  }

  @Test
  void afterTheEndCallersHearOfItAndNobodyWaits() {
    start();
    stop();
    stop();
    mailbox.post(() -> {});
    var e = assertThrows(IllegalStateException.class, () -> run(() -> {}));
    assertEquals("The mailbox of a test is closed.", e.getMessage());
  }

  @Test
  void anErrorReachesWhoWaitsAndTheThreadGoesOn() {
    start();
    assertThrows(
        StackOverflowError.class,
        () ->
            run(() -> {
              throw new StackOverflowError("on purpose");
            }));
    assertEquals(2, call(() -> 2));
  }

  @Test
  void neitherAnErrorNorAnUndeclaredExceptionNorAnInterruptEndsTheThread() {
    start();
    mailbox.post(() -> {
      throw new NoClassDefFoundError("on purpose");
    });
    mailbox.post(() -> MailboxTest.<RuntimeException>throwUndeclared(new IOException("so")));
    mailbox.post(() -> Thread.currentThread().interrupt());
    for (int i = 0; i < 5; i++) {
      assertEquals(i, call(answer(i)));
    }
  }

  private static Supplier<Integer> answer(int i) {
    return () -> i;
  }

  @Test
  void workThatFailsIsTriedAgainAndNotAtEachTurn() throws Exception {
    CountDownLatch again = new CountDownLatch(2);
    start(
        () -> {
          worked.incrementAndGet();
          again.countDown();
          throw new AssertionError("on purpose");
        },
        () -> Instant.EPOCH);
    for (int i = 0; i < 100; i++) {
      assertEquals(i, call(answer(i)));
    }
    assertTrue(worked.get() <= 3, worked + " tries in next to no time");
    assertTrue(again.await(20, TimeUnit.SECONDS), "it is not tried again");
  }

  @Test
  void aDeadlineThatNeverEndsIsNoReasonToSpin() throws Exception {
    start(worked::incrementAndGet, () -> Instant.EPOCH);
    Thread.sleep(1000);
    assertTrue(worked.get() < 100, worked + " turns within a second");
    assertTrue(worked.get() > 3, worked + " turns within a second");
  }

  @Test
  void whatTimedOutIsNotCarriedOutLater() {
    start();
    CountDownLatch block = block();
    List<String> done = new ArrayList<>();
    var e =
        assertThrows(
            OverlayBusyException.class,
            () -> mailbox.call(Question.of("adding one", SHORT, () -> done.add("one"))));
    assertEquals(
        "The mailbox of a test has been busy for 0 s (a task): adding one was not begun, and will"
            + " not be.",
        e.getMessage());
    block.countDown();
    assertEquals(List.of(), call(() -> List.copyOf(done)));
  }

  @Test
  void whatIsUnderWayWhenTimeIsUpIsTakenBack() {
    start();
    CountDownLatch block = new CountDownLatch(1);
    List<String> done = new ArrayList<>();
    var e =
        assertThrows(
            OverlayBusyException.class,
            () ->
                mailbox.call(
                    new Question<>(
                        "adding one",
                        Duration.ofMillis(500),
                        () -> {
                          await(block);
                          return done.add("one");
                        },
                        Optional.of(late -> done.add("taken back")))));
    assertTrue(e.getMessage().endsWith(", and is taken back when it ends."), e.getMessage());
    block.countDown();
    assertEquals(List.of("one", "taken back"), call(() -> List.copyOf(done)));
  }

  @Test
  void anEndThatTimedOutLeavesTheThreadAtWork() {
    start();
    CountDownLatch block = block();
    AtomicInteger hurried = new AtomicInteger();
    assertThrows(
        OverlayBusyException.class,
        () ->
            mailbox.stop(
                Question.order("ending", Duration.ofMillis(400), () -> {}),
                hurried::incrementAndGet));
    assertEquals(1, hurried.get());
    block.countDown();
    assertFalse(call(() -> false));
  }

  @Test
  void anInterruptedCallerStillGetsItsAnswerAndStaysInterrupted() {
    start();
    Thread.currentThread().interrupt();
    assertEquals(5, call(() -> 5));
    assertTrue(Thread.interrupted());
  }
}
