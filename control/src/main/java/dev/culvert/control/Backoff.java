// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import java.time.Duration;
import java.time.Instant;

/** When to try again what failed: 1 second, then twice as long each time, up to a minute. */
record Backoff(int failures, Instant retryAt) {
  private static final int LONGEST_SECONDS = 60;

  static Backoff first(Instant now) {
    return new Backoff(1, now.plusSeconds(1));
  }

  Backoff next(Instant now) {
    int seconds = Math.min(LONGEST_SECONDS, 1 << Math.min(failures, 10));
    return new Backoff(failures + 1, now.plus(Duration.ofSeconds(seconds)));
  }

  /** The same, where that is not too late. */
  Backoff noLaterThan(Instant latest) {
    return retryAt.isAfter(latest) ? new Backoff(failures, latest) : this;
  }

  boolean isDue(Instant now) {
    return !now.isBefore(retryAt);
  }
}
