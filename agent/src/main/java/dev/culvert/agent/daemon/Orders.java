// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * What the agent's main thread is to do, as signals, requests and faults say. The first word on how
 * it ends stands. Any thread may call; one waits.
 */
final class Orders {
  /** How it ends. */
  enum End {
    /** Packets keep flowing, the lease stays. */
    KEEP,
    /** Release the lease and remove everything. */
    LEAVE,
    /** That was done already, by request. */
    LEFT
  }

  private Optional<End> end = Optional.empty(); // guarded by this
  private Optional<RuntimeException> failure = Optional.empty(); // guarded by this
  private boolean reload; // guarded by this

  synchronized void stop(End how) {
    if (!isEnding()) {
      end = Optional.of(how);
      notifyAll();
    }
  }

  void left() {
    stop(End.LEFT);
  }

  /** It ends, keeping everything, with an exception. */
  synchronized void fail(RuntimeException why) {
    if (!isEnding()) {
      failure = Optional.of(why);
      notifyAll();
    }
  }

  /** The configuration is to be read again; several wishes are one. */
  synchronized void reload() {
    reload = true;
    notifyAll();
  }

  synchronized boolean isEnding() {
    return end.isPresent() || failure.isPresent();
  }

  /** Waits for the next order: true to read the configuration again, false to end. */
  synchronized boolean await() {
    while (!isEnding() && !reload) {
      try {
        wait();
      } catch (InterruptedException e) {
        // Nobody has a reason to; there are other ways to end.
      }
    }
    boolean wanted = reload && !isEnding();
    reload = false;
    return wanted;
  }

  /** Waits for an end, for so long at most; whether there is one. */
  synchronized boolean endsWithin(long ms) throws InterruptedException {
    long deadlineNs = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(ms);
    long leftMs = ms;
    while (!isEnding() && leftMs > 0) { // wait(0) would wait for ever
      wait(leftMs);
      leftMs = TimeUnit.NANOSECONDS.toMillis(deadlineNs - System.nanoTime());
    }
    return isEnding();
  }

  /**
   * How it ends.
   *
   * @throws RuntimeException what it failed of
   */
  synchronized End end() {
    failure.ifPresent(e -> {
      throw e;
    });
    return end.orElseThrow();
  }
}
