// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import java.time.Duration;
import java.time.Instant;
import java.util.Objects;

/**
 * The two clocks that an overlay needs. What is due is decided by the one that does not jump; what
 * a lease says to others is written by the one that people set. Any thread may ask.
 */
public interface TimeSource {
  /** {@return what time it is, as far as this machine knows: may be set, and may be wrong} */
  Instant wallTime();

  /**
   * {@return how much time has passed since some moment in the past, the same for all processes
   * until the machine starts anew: never jumps, never goes back, and goes on while the machine
   * sleeps}
   */
  Duration elapsed();

  /**
   * Waits on the calling thread, while others are given the time to do something.
   *
   * @param length for how long
   * @throws InterruptedException when somebody interrupts it
   */
  default void pause(Duration length) throws InterruptedException {
    Objects.requireNonNull(length, "length");
    Thread.sleep(length);
  }

  /** {@return the machine's own two clocks} */
  static TimeSource system() {
    return new SystemTime();
  }
}
