// SPDX-License-Identifier: Apache-2.0
package dev.culvert.measure;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The values of all turns: for each quantity and contestant one a round, NaN where it failed. */
public final class Samples {
  private final List<String> contestants;
  private final Map<Quantity, Map<String, double[]>> values = new LinkedHashMap<>();
  private int rounds;

  public Samples(List<String> contestants) {
    this.contestants = List.copyOf(contestants);
  }

  /** Notes a value. Rounds count from 0. */
  public void put(Quantity quantity, String contestant, int round, double value) {
    rounds = Math.max(rounds, round + 1);
    values
        .computeIfAbsent(quantity, _ -> new LinkedHashMap<>())
        .compute(contestant, (_, old) -> with(old, round, value));
  }

  private static double[] with(double[] old, int round, double value) {
    int length = old == null ? 0 : old.length;
    double[] longer = old == null ? new double[round + 1] : old;
    if (round >= length) {
      longer = old == null ? longer : Arrays.copyOf(old, round + 1);
      Arrays.fill(longer, length, round, Double.NaN);
    }
    longer[round] = value;
    return longer;
  }

  public List<String> contestants() {
    return contestants;
  }

  /** What was measured, in the order in which it first was. */
  public List<Quantity> quantities() {
    return List.copyOf(values.keySet());
  }

  public int rounds() {
    return rounds;
  }

  /** One a round; NaN for those that failed. */
  public double[] of(Quantity quantity, String contestant) {
    double[] known =
        values.getOrDefault(quantity, Map.of()).getOrDefault(contestant, new double[0]);
    double[] all = Arrays.copyOf(known, rounds);
    Arrays.fill(all, known.length, rounds, Double.NaN);
    return all;
  }

  /** Those of the rounds that did not fail. */
  public double[] good(Quantity quantity, String contestant) {
    return Arrays.stream(of(quantity, contestant)).filter(Double::isFinite).toArray();
  }

  /** The first against the second. */
  public Comparison compare(Quantity quantity, String first, String second, long seed) {
    return Comparison.of(quantity, of(quantity, first), of(quantity, second), seed);
  }
}
