// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import java.time.Duration;
import java.util.function.BooleanSupplier;

/** Waiting for something that no event announces. */
public final class Patience {
  private static final Duration POLL = Duration.ofMillis(5);

  private Patience() {}

  /**
   * Waits until a condition holds.
   *
   * @param what completes "waited in vain for ..."
   * @throws LabException when it does not in time
   */
  public static void until(String what, Duration patience, BooleanSupplier condition) {
    if (!holdsWithin(patience, condition)) {
      throw new LabException(
          "Waited %.1f s in vain for %s.".formatted(patience.toMillis() / 1000.0, what));
    }
  }

  /** Whether a condition comes to hold in time. */
  public static boolean holdsWithin(Duration patience, BooleanSupplier condition) {
    long deadlineNs = System.nanoTime() + patience.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - deadlineNs > 0) {
        return false;
      }
      pause(POLL);
    }
    return true;
  }

  public static void pause(Duration time) {
    try {
      Thread.sleep(time);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LabException("Interrupted.", e);
    }
  }
}
