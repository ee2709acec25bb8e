// SPDX-License-Identifier: Apache-2.0
package dev.culvert.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.measure.Comparison.Conclusion;
import org.junit.jupiter.api.Test;

class ComparisonTest {
  private static final Quantity RATE = Quantity.more("rate", "rate", "per second");
  private static final Quantity TIME = Quantity.less("time", "time", "us");
  private static final double[] ONES = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

  private static Comparison of(Quantity quantity, double... first) {
    return Comparison.of(quantity, first, ONES, 7);
  }

  @Test
  void moreIsBetterOrWorse() {
    Comparison faster = of(RATE, 1.20, 1.21, 1.22, 1.19, 1.20, 1.23, 1.18);
    assertEquals(Conclusion.BETTER, faster.conclusion());
    assertEquals(1.20, faster.ratio());
    assertEquals(Conclusion.WORSE, of(TIME, 1.20, 1.21, 1.22, 1.19, 1.20, 1.23, 1.18).conclusion());
    assertEquals(Conclusion.WORSE, of(RATE, 0.8, 0.81, 0.79, 0.8, 0.8, 0.8, 0.82).conclusion());
    assertEquals(Conclusion.BETTER, of(TIME, 0.8, 0.81, 0.79, 0.8, 0.8, 0.8, 0.82).conclusion());
  }

  @Test
  void anIntervalAroundOneHasNoWinner() {
    Comparison close = of(RATE, 0.9, 1.1, 0.95, 1.12, 1.0, 1.05, 0.97);
    assertTrue(close.interval().contains(1), close.toString());
    assertEquals(Conclusion.NO_WINNER, close.conclusion());
  }

  /** Two runs of the same thing differ by as much. */
  @Test
  void aSteadyDifferenceWithinTheMarginHasNoWinner() {
    assertEquals(
        Conclusion.NO_WINNER, of(RATE, 1.03, 1.03, 1.03, 1.04, 1.03, 1.03, 1.03).conclusion());
  }

  @Test
  void roundsThatContradictEachOtherAreNoise() {
    assertEquals(Conclusion.TOO_NOISY, of(RATE, 1.2, 4, 1.3, 3.5, 2, 6, 1.5).conclusion());
  }

  /** A burst that hits one round does not decide. */
  @Test
  void oneBadRoundChangesNothing() {
    assertEquals(
        Conclusion.BETTER,
        of(RATE, 1.5, 1.5, 0.1, 1.52, 1.5, 1.48, 1.5, 1.5, 1.51, 1.5, 1.5).conclusion());
  }

  /** What the machine does hits both of a round, so their ratio stays. */
  @Test
  void slowRoundsCancelOut() {
    double[] first = {2, 20, 2, 0.2, 2, 2, 2};
    double[] second = {1, 10, 1, 0.1, 1, 1, 1};
    Comparison comparison = Comparison.of(RATE, first, second, 7);
    assertEquals(2, comparison.ratio());
    assertEquals(Conclusion.BETTER, comparison.conclusion());
  }

  @Test
  void gapsAreLeftOut() {
    double gap = Double.NaN;
    assertEquals(Conclusion.NO_DATA, of(RATE, gap, gap, gap, gap, gap, gap, gap).conclusion());
    assertEquals(Conclusion.NO_DATA, of(RATE, 2, 2, 2, 2, 2, 2, gap, gap).conclusion());
    Comparison enough = of(RATE, 2, gap, 2, 2, 2, gap, 2, 2, 2);
    assertEquals(Conclusion.BETTER, enough.conclusion());
    assertEquals(7, enough.rounds());
  }
}
