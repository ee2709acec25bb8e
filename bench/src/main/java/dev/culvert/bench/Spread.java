// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench;

import java.util.Arrays;

/**
 * What repeated measurements say: the middle one, and the quartiles around it.
 *
 * @param low a quarter of the measurements lie below
 * @param high a quarter lie above
 */
public record Spread(double median, double low, double high) {
  /**
   * @param measured at least one, in any order
   */
  public static Spread of(double[] measured) {
    if (measured.length == 0) {
      throw new IllegalArgumentException("There is nothing to take the median of.");
    }
    double[] sorted = measured.clone();
    Arrays.sort(sorted);
    return new Spread(at(sorted, 0.5), at(sorted, 0.25), at(sorted, 0.75));
  }

  /** Between two measurements, the point on the line through them. */
  private static double at(double[] sorted, double quantile) {
    double position = quantile * (sorted.length - 1);
    int below = (int) position;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
  }
}
