// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.control.store.MemoryLeaseStore;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class GuardedStoreTest {
  private final MemoryLeaseStore memory = new MemoryLeaseStore();
  private final HostileStore hostile = new HostileStore(memory);
  private final GuardedStore store =
      new GuardedStore(hostile, "culvert-test-store", Duration.ofMillis(200), () -> {});
  private final CountDownLatch hung = new CountDownLatch(1);

  @AfterEach
  void close() {
    hung.countDown();
    memory.close();
  }

  private static Lease lease() {
    return Fixtures.lease("10.244.1.0/24", "host-01", 1, "10.17.2.2", 1);
  }

  private LeaseStoreException refused(Runnable call) {
    return assertThrows(LeaseStoreException.class, call::run);
  }

  @SuppressWarnings("unchecked") // which is the point: nobody declared it
  private static <E extends Exception> void throwUndeclared(Exception e) throws E {
    throw (E) e;
  }

  @Test
  void whateverAStoreThrowsIsAFailureOfTheStore() {
    hostile.before =
        () -> {
          throw new UnsupportedOperationException("not today");
        };
    assertEquals(
        "The lease store failed at \"list\": java.lang.UnsupportedOperationException: not today.",
        refused(store::list).getMessage());
    hostile.before =
        () -> {
          throw new StackOverflowError("on purpose");
        };
    refused(store::list);
    hostile.before = () -> GuardedStoreTest.<RuntimeException>throwUndeclared(new IOException("x"));
    assertInstanceOf(IOException.class, refused(store::list).getCause());
    hostile.before = () -> {};
    hostile.answersNull = true;
    assertEquals(
        "The lease store answered \"renew 10.244.1.0/24 (VNI 1)\" with null.",
        refused(() -> store.renew(lease(), lease())).getMessage());
  }

  @Test
  void aStoreOwnsItsSentences() {
    hostile.before =
        () -> {
          throw new LeaseStoreException("Away; wait.");
        };
    assertEquals("Away; wait.", refused(store::list).getMessage());
  }

  @Test
  void whatHangsIsGivenUpAndNothingElseIsAskedMeanwhile() throws Exception {
    hostile.hang(hung);
    assertEquals(
        "The lease store has not answered \"list\" for 0 s; look at its server or file system.",
        refused(store::list).getMessage());
    long beforeNs = System.nanoTime();
    refused(() -> store.renew(lease(), lease()));
    assertTrue(System.nanoTime() - beforeNs < TimeUnit.MILLISECONDS.toNanos(200), "it waited");
    assertEquals(0, hostile.renewals.get());
    assertEquals(List.of(), store.problems());

    hung.countDown();
    hostile.before = () -> {};
    awaitAnswer();
  }

  private void awaitAnswer() throws InterruptedException {
    for (int i = 0; i < 1000; i++) {
      try {
        assertEquals(List.of(), store.list());
        return;
      } catch (LeaseStoreException e) {
        Thread.sleep(5);
      }
    }
    throw new AssertionError("a store that answers again is not asked any more");
  }

  @Test
  void aClaimThatComesTooLateIsTakenBack() throws Exception {
    hostile.hang(hung);
    refused(() -> store.acquire(lease()));
    CountDownLatch told = new CountDownLatch(3);
    try (AutoCloseable _ = memory.watch(event -> told.countDown())) {
      hung.countDown();
      assertTrue(told.await(10, TimeUnit.SECONDS), "snapshot, claim and release");
      assertEquals(List.of(), memory.list());
    }
  }

  @Test
  void whoeverEndsIsKeptByNoCall() throws Exception {
    GuardedStore patient = new GuardedStore(hostile, "culvert-test-store", () -> {});
    hostile.hang(hung);
    Thread asking = Thread.ofPlatform().start(() -> refused(patient::list));
    Thread.sleep(100);
    patient.giveUp();
    assertTrue(asking.join(Duration.ofSeconds(5)), "it waits on");
    refused(patient::list);
  }

  @Test
  void aWatchThatDoesNotCloseKeepsNobody() throws Exception {
    AutoCloseable watch = store.watch(event -> {});
    hostile.hang(hung);
    Thread closing =
        Thread.ofPlatform()
            .start(() -> {
              try {
                watch.close();
              } catch (Exception e) {
                throw new IllegalStateException(e);
              }
            });
    assertTrue(closing.join(Duration.ofSeconds(10)), "it waits on");
  }

  @Test
  void problemsThatCannotBeToldAreOne() {
    hostile.beforeProblems =
        () -> {
          throw new IllegalStateException("no list");
        };
    assertEquals(
        List.of(
            "The lease store cannot say whether it is well: The lease store failed at \"problems\":"
                + " java.lang.IllegalStateException: no list."),
        store.problems());
  }
}
