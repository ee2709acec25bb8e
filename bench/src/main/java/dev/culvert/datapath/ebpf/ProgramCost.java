// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.bench.ResultTable;
import dev.culvert.bench.ResultTable.Row;
import dev.culvert.bench.Spread;
import dev.culvert.datapath.ebpf.CostRound.Part;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfProgram;
import dev.culvert.kernel.bpf.RunStatistics;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What our programs cost for one packet, as the kernel measures it (BPF_PROG_TEST_RUN with
 * repeats), without any device: each program, by packet size, number of subnets and their sizes.
 * All tables are there at once, and everything takes turns, so that the machine's moods meet all.
 */
public final class ProgramCost {
  /** The kernel takes about a page, and XDP wants 576 bytes of it for itself. */
  private static final List<Integer> SIZES_BYTES = List.of(64, 512, 1400, 3400);

  /**
   * A filling of the tables.
   *
   * @param asked above 1: packets go to another of so many subnets each time
   */
  private record Filling(int subnets, boolean mixedSizes, int asked) {
    String heading() {
      return "%,d%s%s"
          .formatted(subnets, mixedSizes ? " mixed" : "", asked == 1 ? "" : ", all asked");
    }
  }

  private static final int MANY = 64_000;

  private static final List<Filling> FILLINGS =
      List.of(
          new Filling(1, false, 1),
          new Filling(1_000, false, 1),
          new Filling(MANY, false, 1),
          new Filling(1_000, true, 1),
          new Filling(MANY, true, 1),
          new Filling(MANY, false, MANY),
          new Filling(MANY, true, MANY));

  private record Cell(Part part, int bytes, Filling filling) {}

  private static final String NOTHING = "cost_nothing";
  private static final int STATISTICS_ROUNDS = 9;

  private ProgramCost() {}

  /**
   * Measures every program.
   *
   * @param repeat how often a program runs for one measurement
   */
  public static ResultTable measure(int rounds, int repeat) {
    List<CostWorld> worlds = new ArrayList<>();
    try {
      for (Filling filling : FILLINGS) {
        worlds.add(CostWorld.load(filling.subnets(), filling.mixedSizes()));
      }
      Map<Cell, double[]> ns = new HashMap<>();
      for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < FILLINGS.size(); i++) {
          CostRound measured = new CostRound(worlds.get(i), repeat);
          for (var cell : runOnce(measured, FILLINGS.get(i)).entrySet()) {
            ns.computeIfAbsent(cell.getKey(), _ -> new double[rounds])[round] = cell.getValue();
          }
        }
      }
      return table(ns);
    } finally {
      worlds.forEach(CostWorld::close);
    }
  }

  /**
   * What the kernel's statistics of BPF programs add to the time that they tell of a run, in ns: a
   * program that does nearly nothing by statistics, less the same by BPF_PROG_TEST_RUN.
   *
   * @param repeat how often the program runs for one of {@link #STATISTICS_ROUNDS} measurements
   */
  public static double statisticsNs(int repeat) {
    byte[] packet = CostPackets.of(SIZES_BYTES.getFirst()).remote();
    double[] ns = new double[STATISTICS_ROUNDS];
    try (CostWorld world = CostWorld.load(1, false)) {
      for (int round = 0; round < ns.length; round++) {
        double without = world.runNs(NOTHING, packet, 1, repeat);
        BpfProgram.Info before = world.program(NOTHING).info();
        try (RunStatistics _ = RunStatistics.enable(Libc.system())) {
          double _ = world.runNs(NOTHING, packet, 1, repeat);
        }
        BpfProgram.Info after = world.program(NOTHING).info();
        double runs = after.runCount() - before.runCount();
        ns[round] = (after.runTimeNs() - before.runTimeNs()) / runs - without;
      }
    }
    return Spread.of(ns).median();
  }

  private static Map<Cell, Double> runOnce(CostRound measured, Filling filling) {
    Map<Cell, Double> ns = new HashMap<>();
    for (int bytes : SIZES_BYTES) {
      CostPackets packets = CostPackets.of(bytes);
      Map<Part, Double> parts =
          filling.asked() == 1
              ? measured.run(packets)
              : measured.runSpread(packets, filling.asked());
      parts.forEach((part, value) -> ns.put(new Cell(part, bytes, filling), value));
    }
    return ns;
  }

  private static ResultTable table(Map<Cell, double[]> ns) {
    List<Row> rows = new ArrayList<>();
    for (Part part : Part.values()) {
      for (int bytes : SIZES_BYTES) {
        List<Optional<Spread>> cells =
            FILLINGS.stream()
                .map(filling ->
                    Optional.ofNullable(ns.get(new Cell(part, bytes, filling))).map(Spread::of))
                .toList();
        rows.add(new Row(List.of(part.title(), part.hook(), String.valueOf(bytes)), cells));
      }
    }
    return new ResultTable(
        "One packet, ns: median [quartiles], by number of subnets",
        List.of("program", "at", "bytes"),
        FILLINGS.stream().map(Filling::heading).toList(),
        rows);
  }
}
