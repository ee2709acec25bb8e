// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.bench.ResultTable;
import dev.culvert.bench.ResultTable.Row;
import dev.culvert.bench.Spread;
import dev.culvert.datapath.ebpf.CostRound.Part;
import dev.culvert.measure.Statistics;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * What a packet costs with a full table against one subnet. The two take turns within milliseconds,
 * so that whatever else the processor does meets both, and each pair gives a ratio. Where maps and
 * programs come to lie in memory changes their cost too: so both are loaded afresh several times,
 * and a load's median counts as one measurement.
 */
public final class GrowthCost {
  /** With the three of the hosts themselves 65,536, which is all that the table takes. */
  private static final int FULL = 65_533;

  /** Few, since the kernel waits some ten milliseconds before it repeats an XDP program. */
  private static final int PAIRS = 15;

  private static final List<Integer> SIZES_BYTES = List.of(64, 1400);

  private record Line(Part part, int bytes) {}

  /**
   * One median for each load: ns with one subnet, ns with a full table, and of the pairs' ratios.
   */
  private static final class Medians {
    private final List<Double> one = new ArrayList<>();
    private final List<Double> full = new ArrayList<>();
    private final List<Double> perCent = new ArrayList<>();

    void add(double[] ns, double[] nsFull) {
      one.add(Statistics.median(ns));
      full.add(Statistics.median(nsFull));
      perCent.add(
          Statistics.median(
              IntStream.range(0, ns.length).mapToDouble(i -> 100 * nsFull[i] / ns[i]).toArray()));
    }

    List<Optional<Spread>> cells() {
      return List.of(
          Optional.of(Spread.of(values(one))),
          Optional.of(Spread.of(values(full))),
          Optional.of(Spread.ofMedian(values(perCent))));
    }

    private static double[] values(List<Double> list) {
      return list.stream().mapToDouble(value -> value).toArray();
    }
  }

  private GrowthCost() {}

  /**
   * Measures every program.
   *
   * @param loads how often all is loaded afresh; an interval needs seven or more
   * @param repeat how often a program runs for one of the {@link #PAIRS} pairs of a load
   */
  public static ResultTable measure(int loads, int repeat) {
    Map<Line, Medians> medians = new HashMap<>();
    for (int load = 0; load < loads; load++) {
      try (CostWorld one = CostWorld.load(1, false);
          CostWorld full = CostWorld.load(FULL, false)) {
        for (int bytes : SIZES_BYTES) {
          addLoad(medians, bytes, new CostRound(one, repeat), new CostRound(full, repeat));
        }
      }
    }
    return table(medians);
  }

  private static void addLoad(
      Map<Line, Medians> medians, int bytes, CostRound one, CostRound full) {
    CostPackets packets = CostPackets.of(bytes);
    List<Map<Part, Double>> ofOne = new ArrayList<>();
    List<Map<Part, Double>> ofFull = new ArrayList<>();
    for (int pair = 0; pair < PAIRS; pair++) {
      ofOne.add(one.run(packets));
      ofFull.add(full.run(packets));
    }
    for (Part part : ofOne.getFirst().keySet()) {
      medians
          .computeIfAbsent(new Line(part, bytes), line -> new Medians())
          .add(values(ofOne, part), values(ofFull, part));
    }
  }

  private static double[] values(List<Map<Part, Double>> rounds, Part part) {
    return rounds.stream().mapToDouble(parts -> parts.get(part)).toArray();
  }

  private static ResultTable table(Map<Line, Medians> medians) {
    List<Row> rows = new ArrayList<>();
    for (Part part : Part.values()) {
      for (int bytes : SIZES_BYTES) {
        rows.add(
            new Row(
                List.of(part.title(), part.hook(), String.valueOf(bytes)),
                medians.get(new Line(part, bytes)).cells()));
      }
    }
    return new ResultTable(
        "A full table against one subnet, in pairs: ns, median [quartiles]; per cent, median [99 %"
            + " interval]",
        List.of("program", "at", "bytes"), List.of("1 subnet", "65,536 subnets", "per cent"), rows);
  }
}
