// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import java.time.Duration;
import java.time.Instant;

/** Stands still until it is told to go on. */
final class ManualClock implements TimeSource {
  private Instant wall = Instant.parse("2026-11-23T12:00:00Z");
  private Duration elapsed = Duration.ofDays(3);

  /** Time passes. */
  synchronized void advance(Duration duration) {
    wall = wall.plus(duration);
    elapsed = elapsed.plus(duration);
  }

  /** Somebody sets the clock, forward or back; no time passes. */
  synchronized void set(Duration difference) {
    wall = wall.plus(difference);
  }

  synchronized Instant instant() {
    return wall;
  }

  @Override
  public synchronized Instant wallTime() {
    return wall;
  }

  @Override
  public synchronized Duration elapsed() {
    return elapsed;
  }
}
