// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import java.time.Duration;
import java.time.Instant;

/**
 * Notices that this process did not run for a while: it was stopped, starved, or the machine slept.
 * Whatever the overlay believed before may be out of date. Pure; used by the overlay's thread
 * alone.
 */
final class Wakefulness {
  /**
   * The overlay's thread says that it lives once a second, also while it waits for the store. A
   * busy machine may make it late; that is harmless, since sleep alone has no consequence.
   */
  static final Duration NAP = Duration.ofSeconds(5);

  private Instant last;

  Wakefulness(Instant now) {
    this.last = now;
  }

  /**
   * Says that the thread lives.
   *
   * @return whether it was away since it said so last
   */
  boolean beat(Instant now) {
    boolean slept = Duration.between(last, now).compareTo(NAP) > 0;
    last = now;
    return slept;
  }
}
