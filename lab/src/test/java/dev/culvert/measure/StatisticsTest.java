// SPDX-License-Identifier: Apache-2.0
package dev.culvert.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class StatisticsTest {
  private static final double[] VALUES = {9, 1, 2, 3};

  @Test
  void medianOfOddAndEvenCounts() {
    assertEquals(2, Statistics.median(new double[] {9, 1, 2}));
    assertEquals(2.5, Statistics.median(VALUES));
  }

  /** The figures of R's quantile(c(9, 1, 2, 3), type = 7). */
  @Test
  void quantilesAreInterpolated() {
    assertEquals(1, Statistics.quantile(VALUES, 0));
    assertEquals(1.75, Statistics.quantile(VALUES, 0.25));
    assertEquals(4.5, Statistics.quantile(VALUES, 0.75));
    assertEquals(9, Statistics.quantile(VALUES, 1));
    assertEquals((4.5 - 1.75) / 2.5, Statistics.spread(VALUES), 1e-12);
  }

  /** Of eight, three lie below 11 and four within: the fourth and a half is a quarter on. */
  @Test
  void nothingHasNoQuantile() {
    assertThrows(IllegalArgumentException.class, () -> Statistics.quantile(new double[0], 0.5));
  }

  @Test
  void valuesAllAlikeLeaveNoDoubt() {
    Statistics.Interval interval = Statistics.medianInterval(new double[] {2, 2, 2, 2, 2}, 1);
    assertEquals(new Statistics.Interval(2, 2), interval);
  }

  /**
   * Of eleven, the bootstrapped median stays off the outermost values, and has the sample's in it.
   */
  @Test
  void theIntervalHasTheMedianInItAndIsTheSameForTheSameSeed() {
    double[] values = {1.00, 1.05, 1.10, 1.15, 1.20, 1.30, 1.35, 1.40, 1.45, 1.50, 50};
    Statistics.Interval interval = Statistics.medianInterval(values, 42);
    assertTrue(interval.contains(1.30), interval.toString());
    assertTrue(interval.low() >= 1.00 && interval.low() <= 1.20, interval.toString());
    assertTrue(interval.high() >= 1.35 && interval.high() < 50, interval.toString());
    assertEquals(interval, Statistics.medianInterval(values, 42));
  }
}
