// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench;

import dev.culvert.measure.Statistics;

/**
 * What repeated measurements say: the middle one, and either the quartiles around it or the
 * interval that the median of their source lies in.
 */
public record Spread(double median, double low, double high) {
  private static final long SEED = 1;

  /**
   * With the quartiles.
   *
   * @param measured at least one, in any order
   * @throws IllegalArgumentException when there is none
   */
  public static Spread of(double[] measured) {
    return new Spread(
        Statistics.median(measured),
        Statistics.quantile(measured, 0.25),
        Statistics.quantile(measured, 0.75));
  }

  /**
   * With the 99 % interval of the median, always the same for the same measurements.
   *
   * @param measured seven or more, for an interval that says anything; in any order
   * @throws IllegalArgumentException when there is none
   */
  public static Spread ofMedian(double[] measured) {
    Statistics.Interval interval = Statistics.medianInterval(measured, SEED);
    return new Spread(Statistics.median(measured), interval.low(), interval.high());
  }
}
