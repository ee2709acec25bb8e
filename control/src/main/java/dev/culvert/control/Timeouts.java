// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.kernel.RefusedException;
import java.time.Duration;
import java.util.Objects;

/**
 * How long an {@link Overlay}'s calls wait for its thread, which a store or the kernel may hold up;
 * then they end with an {@link OverlayBusyException}. Where nothing is amiss a call takes some
 * milliseconds. {@link Overlay#status} is not among them: it answers within a second always.
 *
 * @param start of {@link Overlay#start}, which asks the store several times
 * @param call of attaching, detaching, moving and subscribing
 * @param leave of {@link Overlay#leave}, which takes every container's interface away
 * @param close of {@link Overlay#close}, which asks nobody
 */
public record Timeouts(Duration start, Duration call, Duration leave, Duration close) {
  /** Nobody waits for longer, and it fits the clocks. */
  private static final Duration LONGEST = Duration.ofDays(1);

  /** Where nobody says otherwise: 60, 30, 60 and 10 seconds. */
  public static final Timeouts DEFAULT =
      new Timeouts(
          Duration.ofSeconds(60),
          Duration.ofSeconds(30),
          Duration.ofSeconds(60),
          Duration.ofSeconds(10));

  /**
   * Checks the values.
   *
   * @throws RefusedException for one that is not above zero, or above a day
   */
  public Timeouts {
    check("start", start);
    check("call", call);
    check("leave", leave);
    check("close", close);
  }

  private static void check(String name, Duration value) {
    Objects.requireNonNull(value, name);
    if (!value.isPositive() || value.compareTo(LONGEST) > 0) {
      throw new RefusedException(
          "The time-out of \""
              + name
              + "\" cannot be "
              + value
              + ": it is more than zero and at most a day.");
    }
  }

  /**
   * {@return the same with another}
   *
   * @param value of {@link Overlay#start}
   */
  public Timeouts withStart(Duration value) {
    return new Timeouts(value, call, leave, close);
  }

  /**
   * {@return the same with another}
   *
   * @param value of attaching, detaching, moving and subscribing
   */
  public Timeouts withCall(Duration value) {
    return new Timeouts(start, value, leave, close);
  }

  /**
   * {@return the same with another}
   *
   * @param value of {@link Overlay#leave}
   */
  public Timeouts withLeave(Duration value) {
    return new Timeouts(start, call, value, close);
  }

  /**
   * {@return the same with another}
   *
   * @param value of {@link Overlay#close}
   */
  public Timeouts withClose(Duration value) {
    return new Timeouts(start, call, leave, value);
  }
}
