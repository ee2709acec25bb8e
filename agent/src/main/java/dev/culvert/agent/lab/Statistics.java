// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.lab;

import java.util.Arrays;

/** Small sums. */
final class Statistics {
  private Statistics() {}

  /** The middle value, or the mean of the two middle ones. */
  static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /**
   * The median of values that were cut to whole units, as ping cuts microseconds: within the middle
   * unit they are taken to be spread evenly, so the result is finer than the unit.
   */
  static double medianOfWhole(double[] values) {
    double unit = Math.rint(median(values));
    long below = Arrays.stream(values).filter(value -> Math.rint(value) < unit).count();
    long within = Arrays.stream(values).filter(value -> Math.rint(value) == unit).count();
    return within == 0 ? unit : unit + (values.length / 2.0 - below) / within;
  }
}
