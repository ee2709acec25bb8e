// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend.report;

import dev.culvert.bench.endtoend.peer.Peer;
import dev.culvert.bench.endtoend.result.Group;
import dev.culvert.bench.endtoend.result.Results;
import dev.culvert.bench.endtoend.result.ScalingCurve;
import dev.culvert.measure.Comparison;
import dev.culvert.measure.Quantity;
import dev.culvert.measure.Samples;
import dev.culvert.measure.Statistics;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.BiFunction;

/** The tables of a report. */
final class Grids {
  private static final String NONE = "-";

  private Grids() {}

  /** Every contestant but the reference: its ratios to the reference, with what they say. */
  static Grid toReference(Results results, Group group) {
    return ratios(
        group,
        "ratio to " + results.reference(),
        results.reference(),
        (quantity, id) -> results.toReference(group, quantity, id));
  }

  /** Culvert's ratios to every other one; empty when it takes no part. */
  static Grid ofCulvert(Results results, Group group) {
    if (!group.samples().contestants().contains(Peer.CULVERT)) {
      return new Grid(List.of(), List.of());
    }
    return ratios(
        group,
        Peer.CULVERT + "'s ratio to",
        Peer.CULVERT,
        (quantity, id) -> group.samples().compare(quantity, Peer.CULVERT, id, results.seed()));
  }

  /** A row for each quantity, a column for each contestant but one. */
  private static Grid ratios(
      Group group, String corner, String one, BiFunction<Quantity, String, Comparison> compare) {
    List<String> others =
        group.samples().contestants().stream().filter(id -> !id.equals(one)).toList();
    List<List<String>> rows = new ArrayList<>();
    for (Quantity quantity : group.headlines()) {
      List<String> row = new ArrayList<>(List.of(quantity.title() + direction(quantity)));
      others.forEach(id -> row.add(cell(compare.apply(quantity, id))));
      rows.add(row);
    }
    List<String> heading = new ArrayList<>(List.of(corner));
    heading.addAll(others);
    return new Grid(heading, rows);
  }

  private static String direction(Quantity quantity) {
    return quantity.moreIsBetter() ? "" : " (less is better)";
  }

  /** Such as {@code 1.23 (1.18 to 1.27) better}. */
  static String cell(Comparison comparison) {
    if (comparison.rounds() == 0) {
      return "no data";
    }
    return "%.2f (%.2f to %.2f) %s"
        .formatted(
            comparison.ratio(),
            comparison.interval().low(),
            comparison.interval().high(),
            comparison.conclusion());
  }

  /** All that was measured: median, and how much the rounds scatter. */
  static Grid values(Group group) {
    Samples samples = group.samples();
    List<String> heading = new ArrayList<>(List.of("median (distance of the quartiles)", "unit"));
    heading.addAll(samples.contestants());
    List<List<String>> rows = new ArrayList<>();
    for (Quantity quantity : samples.quantities()) {
      List<String> row = new ArrayList<>(List.of(quantity.title(), quantity.unit()));
      samples.contestants().forEach(id -> row.add(value(samples.good(quantity, id))));
      rows.add(row);
    }
    return new Grid(heading, rows);
  }

  private static String value(double[] good) {
    if (good.length == 0) {
      return NONE;
    }
    double median = Statistics.median(good);
    return median == 0
        ? number(0)
        : "%s (%.0f %%)".formatted(number(median), 100 * Statistics.spread(good));
  }

  /** Three digits that count. */
  static String number(double value) {
    if (value == 0) {
      return "0";
    }
    double magnitude = Math.abs(value);
    int decimals = magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : magnitude >= 1 ? 2 : 3;
    return String.format(Locale.ROOT, "%." + decimals + "f", value);
  }

  /** A row for each size. */
  static Grid scaling(ScalingCurve curve) {
    List<String> ids = curve.points().values().iterator().next().contestants();
    List<String> heading = new ArrayList<>(List.of(curve.axis()));
    heading.addAll(ids);
    List<List<String>> rows = new ArrayList<>();
    curve
        .points()
        .forEach((size, samples) -> {
          List<String> row = new ArrayList<>(List.of(Integer.toString(size)));
          ids.forEach(id -> row.add(value(samples.good(curve.quantity(), id))));
          rows.add(row);
        });
    return new Grid(heading, rows);
  }

  /** Who took part, and who could not. */
  static Grid contestants(Results results) {
    List<List<String>> rows = new ArrayList<>();
    results.peers().forEach(peer -> rows.add(List.of(peer.id(), peer.title(), peer.source(), "")));
    results
        .absent()
        .forEach(absent ->
            rows.add(
                List.of(
                    absent.peer().id(),
                    absent.peer().title(),
                    absent.peer().source(),
                    "not on this kernel: " + absent.reason())));
    return new Grid(List.of("contestant", "what it is", "set up as", ""), rows);
  }
}
