// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class StatisticsTest {
  @Test
  void medianOfOddAndEvenCounts() {
    assertEquals(2, Statistics.median(new double[] {9, 1, 2}));
    assertEquals(2.5, Statistics.median(new double[] {9, 1, 2, 3}));
  }

  /** 8 us means 8.0 to 9.0: with one below and one above, the middle of four 8s is 8.5. */
  @Test
  void medianOfCutValuesIsFinerThanTheUnit() {
    assertEquals(8.5, Statistics.medianOfWhole(new double[] {7, 8, 8, 8, 8, 9}), 1e-9);
    assertEquals(8.25, Statistics.medianOfWhole(new double[] {7, 7, 8, 8, 8, 8}), 1e-9);
  }
}
