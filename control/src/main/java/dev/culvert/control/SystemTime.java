// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;

/**
 * The machine's clocks. {@code System.nanoTime} is CLOCK_MONOTONIC, which stands still while the
 * machine sleeps; {@code /proc/uptime} is CLOCK_BOOTTIME, which does not (fs/proc/uptime.c), in
 * hundredths of a second.
 */
final class SystemTime implements TimeSource {
  private static final Path UPTIME = Path.of("/proc/uptime");

  /** Less than the clock's own step: nothing is lost by not reading it again. */
  private static final long STEP_NS = 5_000_000;

  /**
   * What was read, and when by {@code System.nanoTime}: each event of a burst asks for the time.
   */
  private record Reading(Duration elapsed, long atNs) {}

  private volatile Reading last = new Reading(Duration.ZERO, System.nanoTime() - 2 * STEP_NS);

  private final Path uptime;
  private final boolean readable;

  SystemTime() {
    this(UPTIME);
  }

  /** Where it cannot be read at first, it is not asked later: the two clocks do not mix. */
  SystemTime(Path uptime) {
    this.uptime = uptime;
    this.readable = Files.isReadable(uptime);
  }

  @Override
  public Instant wallTime() {
    return Instant.now();
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalStateException when /proc went away
   */
  @Override
  public Duration elapsed() {
    if (!readable) {
      return Duration.ofNanos(System.nanoTime());
    }
    Reading before = last;
    long nowNs = System.nanoTime();
    if (nowNs - before.atNs() < STEP_NS) {
      return before.elapsed();
    }
    try {
      String text = Files.readString(uptime);
      Duration elapsed = parse(text.substring(0, text.indexOf(' ')));
      last = new Reading(elapsed, nowNs);
      return elapsed;
    } catch (IOException e) {
      throw new IllegalStateException(uptime + " can no longer be read: " + e + ".", e);
    }
  }

  private static Duration parse(String seconds) {
    return Duration.ofMillis(new BigDecimal(seconds).movePointRight(3).longValue());
  }
}
