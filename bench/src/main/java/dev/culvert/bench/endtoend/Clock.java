// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend;

import dev.culvert.lab.Progress;
import java.time.Duration;

/** The run's time, and what is said of it while it works. */
final class Clock {
  private final Progress progress;
  private final long endNs;

  Clock(Progress progress, Duration budget) {
    this.progress = progress;
    this.endNs = System.nanoTime() + budget.toNanos();
  }

  double secondsLeft() {
    return (endNs - System.nanoTime()) / 1e9;
  }

  /** Says what is being done. */
  void now(String what) {
    progress.now("%s (at most %.0f s left)".formatted(what, Math.max(0, secondsLeft())));
  }
}
