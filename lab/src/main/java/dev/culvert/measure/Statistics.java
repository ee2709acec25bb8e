// SPDX-License-Identifier: Apache-2.0
package dev.culvert.measure;

import java.util.Arrays;
import java.util.SplittableRandom;

/** Small sums. None of them changes what it is given. */
public final class Statistics {
  /** An interval with both ends in it. */
  public record Interval(double low, double high) {
    public boolean contains(double value) {
      return low <= value && value <= high;
    }
  }

  private static final int RESAMPLES = 4000;

  private Statistics() {}

  /** The middle value, or the mean of the two middle ones. */
  public static double median(double[] values) {
    return quantile(values, 0.5);
  }

  /**
   * A quantile, interpolated between the two values nearest to it (type 7 of Hyndman and Fan,
   * "Sample Quantiles in Statistical Packages", 1996).
   *
   * @param fraction 0 for the least value, 1 for the greatest
   * @throws IllegalArgumentException when there are no values
   */
  public static double quantile(double[] values, double fraction) {
    if (values.length == 0) {
      throw new IllegalArgumentException("No values have no quantile.");
    }
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    double position = fraction * (sorted.length - 1);
    int below = (int) Math.floor(position);
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
  }

  /** The distance between the quartiles, as a part of the median: how much the values scatter. */
  public static double spread(double[] values) {
    return (quantile(values, 0.75) - quantile(values, 0.25)) / Math.abs(median(values));
  }

  /**
   * Where the median of the values' source lies, with 99 % confidence: the percentile bootstrap
   * (Efron 1979). The same seed gives the same interval.
   */
  public static Interval medianInterval(double[] values, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    double[] medians = new double[RESAMPLES];
    double[] resample = new double[values.length];
    for (int i = 0; i < RESAMPLES; i++) {
      for (int j = 0; j < resample.length; j++) {
        resample[j] = values[random.nextInt(values.length)];
      }
      medians[i] = median(resample);
    }
    return new Interval(quantile(medians, 0.005), quantile(medians, 0.995));
  }
}
