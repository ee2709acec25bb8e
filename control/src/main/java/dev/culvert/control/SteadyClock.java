// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;

/**
 * The time that the overlay lives by: the wall's when it started, and from there on what passed, so
 * that setting the machine's clock changes nothing that is due.
 */
final class SteadyClock extends Clock {
  private final TimeSource source;
  private final Instant began;
  private final Duration elapsedThen;

  SteadyClock(TimeSource source) {
    this.source = source;
    this.began = source.wallTime();
    this.elapsedThen = source.elapsed();
  }

  @Override
  public Instant instant() {
    return began.plus(source.elapsed().minus(elapsedThen));
  }

  /** An instant as the source's own time, which another process of this machine reads alike. */
  Duration elapsedAt(Instant instant) {
    return elapsedThen.plus(Duration.between(began, instant));
  }

  /** The reverse of {@link #elapsedAt}. */
  Instant at(Duration elapsed) {
    return began.plus(elapsed.minus(elapsedThen));
  }

  /** What the machine's clock says. */
  Instant wall() {
    return source.wallTime();
  }

  /**
   * What is written into a lease: the later of the two, so that an end that others were told of is
   * never followed by an earlier one because somebody set the clock back.
   */
  Instant stamp() {
    Instant steady = instant();
    Instant wall = wall();
    return wall.isAfter(steady) ? wall : steady;
  }

  /**
   * Waits, while others are given the time to do something.
   *
   * @throws LeaseStoreException when it is interrupted: the overlay ends
   */
  void pause(Duration length) {
    try {
      source.pause(length);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LeaseStoreException("Interrupted while waiting for other hosts.", e);
    }
  }

  @Override
  public ZoneId getZone() {
    return ZoneOffset.UTC;
  }

  @Override
  public Clock withZone(ZoneId zone) {
    throw new UnsupportedOperationException("The overlay has no time zone.");
  }
}
