// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.output;

import java.time.Duration;
import java.time.Instant;

/** How long ago, or in how long, in one whole unit: for people. */
public final class Ages {
  private Ages() {}

  /** As in "3 min ago" or "in 2 days"; the unit is the largest of which there are two. */
  public static String text(Instant now, Instant at) {
    Duration ago = Duration.between(at, now);
    return ago.isNegative() ? "in " + size(ago.negated()) : size(ago) + " ago";
  }

  private static String size(Duration size) {
    if (size.toDays() >= 2) {
      return size.toDays() + " days";
    }
    if (size.toHours() >= 2) {
      return size.toHours() + " h";
    }
    return size.toMinutes() >= 2 ? size.toMinutes() + " min" : size.toSeconds() + " s";
  }
}
