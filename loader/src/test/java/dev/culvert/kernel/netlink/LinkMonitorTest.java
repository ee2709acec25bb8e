// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.Libc;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The monitor's loop, with a kernel that speaks when told. */
@Timeout(30)
final class LinkMonitorTest {
  private static final long MESSAGE = 100;
  private static final int MSG_DONTWAIT = 0x40;

  private final BlockingQueue<Long> incoming = new LinkedBlockingQueue<>();
  private final Semaphore told = new Semaphore(0);
  private final AtomicInteger closed = new AtomicInteger();
  private final Libc kernel =
      (call, a, b, c, d, e, f) ->
          switch (call) {
            case SOCKET -> 1000L;
            case RECVFROM -> receive((d & MSG_DONTWAIT) == 0);
            case SENDTO -> wake();
            case CLOSE -> closed.incrementAndGet() * 0L;
            default -> 0L;
          };

  private long receive(boolean wait) {
    try {
      Long next = wait ? incoming.take() : incoming.poll();
      return next == null ? -Errno.EAGAIN.number() : next;
    } catch (InterruptedException e) {
      return -Errno.EINTR.number();
    }
  }

  /** The acknowledgement of a message that asks for nothing. */
  private long wake() {
    incoming.add(MESSAGE);
    return MESSAGE;
  }

  private boolean toldWithin(Duration duration) throws InterruptedException {
    return told.tryAcquire(duration.toMillis(), TimeUnit.MILLISECONDS);
  }

  @Test
  void aBurstIsToldOnce() throws Exception {
    for (int i = 0; i < 1000; i++) {
      incoming.add(MESSAGE);
    }
    try (LinkMonitor _ = LinkMonitor.start(kernel, told::release)) {
      assertTrue(toldWithin(Duration.ofSeconds(10)));
      assertFalse(toldWithin(Duration.ofMillis(100)));
      incoming.add(MESSAGE);
      assertTrue(toldWithin(Duration.ofSeconds(10)));
    }
  }

  @Test
  void aLostMessageIsTold() throws Exception {
    try (LinkMonitor _ = LinkMonitor.start(kernel, told::release)) {
      incoming.add((long) -Errno.ENOBUFS.number());
      assertTrue(toldWithin(Duration.ofSeconds(10)));
    }
  }

  @Test
  void aListenerThatFailsStaysSubscribed() throws Exception {
    Runnable failing =
        () -> {
          told.release();
          throw new IllegalStateException("on purpose");
        };
    try (LinkMonitor _ = LinkMonitor.start(kernel, failing)) {
      incoming.add(MESSAGE);
      assertTrue(toldWithin(Duration.ofSeconds(10)));
      incoming.add(MESSAGE);
      assertTrue(toldWithin(Duration.ofSeconds(10)));
    }
  }

  @Test
  void closingEndsTheWaitAndTellsNothing() throws Exception {
    LinkMonitor monitor = LinkMonitor.start(kernel, told::release);
    monitor.close();
    monitor.close();
    assertEquals(1, closed.get());
    assertFalse(toldWithin(Duration.ofMillis(100)));
  }

  @Test
  void aListenerMayCloseItsMonitor() throws Exception {
    LinkMonitor[] monitor = new LinkMonitor[1];
    Semaphore started = new Semaphore(0);
    monitor[0] =
        LinkMonitor.start(
            kernel,
            () -> {
              started.acquireUninterruptibly();
              monitor[0].close();
              told.release();
            });
    started.release();
    incoming.add(MESSAGE);
    assertTrue(toldWithin(Duration.ofSeconds(10)));
    monitor[0].close();
    assertEquals(1, closed.get());
  }
}
