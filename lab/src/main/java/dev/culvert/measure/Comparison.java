// SPDX-License-Identifier: Apache-2.0
package dev.culvert.measure;

import java.util.stream.IntStream;

/**
 * What can be said of two contestants in one quantity. The values of one round were taken side by
 * side, so it is their ratio that counts, round by round; what the machine did meanwhile hit both.
 *
 * @param ratio the median of the rounds' ratios: the first's value by the second's; NaN without any
 * @param interval where that median lies, with 99 % confidence
 * @param rounds in how many both had a value
 */
public record Comparison(
    Quantity quantity,
    double ratio,
    Statistics.Interval interval,
    int rounds,
    Conclusion conclusion) {
  /** What is said. */
  public enum Conclusion {
    BETTER("better"),
    WORSE("worse"),
    /** The difference may be chance, or is less than two runs differ by themselves. */
    NO_WINNER("no winner"),
    /** The rounds differ so much that the ratio says little. */
    TOO_NOISY("too noisy"),
    /** Not enough rounds had a value for both. */
    NO_DATA("too few rounds");

    private final String text;

    Conclusion(String text) {
      this.text = text;
    }

    @Override
    public String toString() {
      return text;
    }
  }

  /** Fewer all lie on one side by chance too often: seven do so one time in 64. */
  public static final int MIN_ROUNDS = 7;

  /**
   * Two runs of the very same thing differ by a few percent, since memory, hashes and processors
   * fall differently: differences below this are not claimed.
   */
  public static final double MARGIN = 0.05;

  /** An interval wider than this part of its ratio is noise. */
  public static final double MAX_WIDTH = 0.5;

  /**
   * Compares two series of values, one a round; NaN stands for a round without one.
   *
   * @param seed of the bootstrap
   */
  public static Comparison of(Quantity quantity, double[] first, double[] second, long seed) {
    double[] ratios =
        IntStream.range(0, Math.min(first.length, second.length))
            .mapToDouble(round -> first[round] / second[round])
            .filter(Double::isFinite)
            .toArray();
    if (ratios.length == 0) {
      Statistics.Interval unknown = new Statistics.Interval(Double.NaN, Double.NaN);
      return new Comparison(quantity, Double.NaN, unknown, 0, Conclusion.NO_DATA);
    }
    double ratio = Statistics.median(ratios);
    Statistics.Interval interval = Statistics.medianInterval(ratios, seed);
    Conclusion conclusion =
        ratios.length < MIN_ROUNDS
            ? Conclusion.NO_DATA
            : conclude(ratio, interval, quantity.moreIsBetter());
    return new Comparison(quantity, ratio, interval, ratios.length, conclusion);
  }

  private static Conclusion conclude(
      double ratio, Statistics.Interval interval, boolean moreIsBetter) {
    if (interval.high() - interval.low() > MAX_WIDTH * ratio) {
      return Conclusion.TOO_NOISY;
    }
    if (interval.low() > 1 + MARGIN) {
      return moreIsBetter ? Conclusion.BETTER : Conclusion.WORSE;
    }
    if (interval.high() < 1 - MARGIN) {
      return moreIsBetter ? Conclusion.WORSE : Conclusion.BETTER;
    }
    return Conclusion.NO_WINNER;
  }
}
