// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.chaos;

import java.time.Duration;

/**
 * How late this process was given a processor, at the worst: what is a fault of the machine's is
 * told apart from what is ours by who reads it. Nothing is forgiven for it.
 */
final class Lateness {
  private static final long PERIOD_MS = 50;

  private long worstNs;

  /** Begins to look. */
  Lateness() {
    Thread.ofPlatform().daemon().name("chaos-lateness").start(this::look);
  }

  private void look() {
    while (true) {
      long beganNs = System.nanoTime();
      try {
        Thread.sleep(PERIOD_MS);
      } catch (InterruptedException e) {
        return;
      }
      note(System.nanoTime() - beganNs - PERIOD_MS * 1_000_000);
    }
  }

  private synchronized void note(long lateNs) {
    worstNs = Math.max(worstNs, lateNs);
  }

  /** Since it was asked last. */
  synchronized Duration worst() {
    Duration worst = Duration.ofNanos(worstNs);
    worstNs = 0;
    return worst;
  }
}
