// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.cli;

import dev.culvert.agent.output.Table;
import dev.culvert.lab.Lab;
import dev.culvert.lab.LabException;
import dev.culvert.lab.Progress;
import dev.culvert.lab.Report;
import dev.culvert.measure.Contestant;
import dev.culvert.measure.Echo;
import dev.culvert.measure.Iperf;
import dev.culvert.measure.Measurement;
import dev.culvert.measure.PacketRate;
import dev.culvert.measure.Quantity;
import dev.culvert.measure.Rounds;
import dev.culvert.measure.Samples;
import dev.culvert.measure.Statistics;
import dev.culvert.measure.TcpThroughput;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A first comparison of datapaths, part of the walk: three quantities, three rounds, nothing
 * claimed. Over veths a superpacket is never cut into frames, so tunnels look cheaper here than on
 * a wire; the benchmarks measure both.
 */
final class Measurements {
  private static final int ROUNDS = 3;
  private static final int PAYLOAD_BYTES = 64;
  private static final Duration LONG = Duration.ofSeconds(1);
  private static final Duration SHORT = Duration.ofMillis(500);

  static final String TITLE =
      "Each datapath in turn, %d rounds of 1 s TCP, 0.5 s UDP and 0.5 s round trips"
          .formatted(ROUNDS);

  private final List<Contestant> contestants;
  private final List<Quantity> quantities;
  private final Samples samples;

  private Measurements(List<Contestant> contestants, List<Quantity> quantities, Samples samples) {
    this.contestants = contestants;
    this.quantities = quantities;
    this.samples = samples;
  }

  /**
   * Takes all rounds.
   *
   * @throws LabException when a turn failed
   */
  static Measurements take(Lab lab, Progress progress, List<Contestant> contestants) {
    try (Iperf iperf = new Iperf(lab)) {
      List<Measurement> kinds =
          List.of(
              new TcpThroughput(iperf, 1, false, LONG),
              new PacketRate(PAYLOAD_BYTES, SHORT),
              new Echo(SHORT, (_, _) -> {}));
      Rounds rounds = new Rounds(contestants, kinds);
      for (int round = 0; round < ROUNDS; round++) {
        rounds.take(what -> progress.now("measuring " + what), lab::isOver);
      }
      if (!rounds.failures().isEmpty()) {
        throw new LabException(String.join(" ", rounds.failures()));
      }
      List<Quantity> first = kinds.stream().map(kind -> kind.quantities().getFirst()).toList();
      return new Measurements(contestants, first, rounds.samples());
    }
  }

  /** A table for people: median (lowest to highest), and the last contestant against the others. */
  List<String> table() {
    Contestant last = contestants.getLast();
    List<Contestant> others = contestants.subList(0, contestants.size() - 1);
    List<String> heading = new ArrayList<>(List.of("median (lowest to highest)"));
    contestants.forEach(contestant -> heading.add(contestant.id()));
    others.forEach(other -> heading.add(last.id() + " / " + other.id()));
    Table table = new Table(heading.toArray(String[]::new));
    for (Quantity quantity : quantities) {
      List<String> row = new ArrayList<>(List.of(quantity.title() + ", " + quantity.unit()));
      contestants.forEach(contestant -> row.add(cell(samples.of(quantity, contestant.id()))));
      others.forEach(other -> row.add("%.2f".formatted(ratio(quantity, last, other))));
      table.row(row.toArray());
    }
    return table.render().lines().toList();
  }

  private static String cell(double[] all) {
    return "%.2f (%.2f to %.2f)"
        .formatted(
            Statistics.median(all),
            Arrays.stream(all).min().orElse(0),
            Arrays.stream(all).max().orElse(0));
  }

  private double ratio(Quantity quantity, Contestant one, Contestant other) {
    return samples.compare(quantity, one.id(), other.id(), 0).ratio();
  }

  /** For the report's JSON form. */
  List<Map<String, Object>> json() {
    List<Map<String, Object>> list = new ArrayList<>();
    for (Quantity quantity : quantities) {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("quantity", quantity.title());
      json.put("unit", quantity.unit());
      json.put("moreIsBetter", quantity.moreIsBetter());
      Map<String, Object> results = new LinkedHashMap<>();
      for (Contestant contestant : contestants) {
        double[] all = samples.of(quantity, contestant.id());
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("median", Report.round(Statistics.median(all)));
        result.put("values", Arrays.stream(all).mapToObj(Report::round).toList());
        results.put(contestant.id(), result);
      }
      json.put("results", results);
      list.add(json);
    }
    return list;
  }
}
