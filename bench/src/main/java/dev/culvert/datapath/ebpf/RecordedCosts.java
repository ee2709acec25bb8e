// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import com.sun.management.ThreadMXBean;
import dev.culvert.bench.Baseline;
import dev.culvert.bench.Spread;
import dev.culvert.datapath.Change;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.ebpf.CostRound.Part;
import dev.culvert.datapath.table.PrebuiltObject;
import dev.culvert.datapath.table.SubnetTable;
import dev.culvert.datapath.table.Tables;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfObject;
import dev.culvert.kernel.bpf.BpfObjectSpec;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/** Measures what {@link Baseline} records: costs that say the same on every machine. */
public final class RecordedCosts {
  private static final int ROUNDS = 25;
  private static final int REPEAT = 2_000;
  private static final int PACKET_BYTES = 1400;
  private static final int SUBNETS = 1000;
  private static final int WARM_UP_BATCHES = 500;
  private static final int BATCHES = 100;

  private RecordedCosts() {}

  /**
   * Writes the baseline.
   *
   * @param args the file
   */
  public static void main(String[] args) throws IOException {
    Path file = Path.of(args[0]);
    List<String> lines = Baseline.of(measure()).lines();
    Files.write(file, lines);
    lines.forEach(System.out::println);
    System.out.println("Written: " + file);
  }

  /** All of them, by name. */
  public static Map<String, Double> measure() {
    Map<String, Double> all = new TreeMap<>();
    instructions(all);
    ratios(all);
    try (BpfObject object = BpfObject.load(Libc.system(), PrebuiltObject.spec(), Map.of())) {
      all.put("bytes for a subnet in a batch", bytesForASubnet(Tables.of(object::map).subnets()));
    }
    return all;
  }

  private static void instructions(Map<String, Double> all) {
    BpfObjectSpec spec = PrebuiltObject.spec();
    try (BpfObject object = BpfObject.load(Libc.system(), spec, Map.of())) {
      for (BpfObjectSpec.ProgramSpec program : spec.programs()) {
        double instructions = object.program(program.name()).info().translatedBytes() / 8.0;
        all.put("instructions of " + program.name(), instructions);
      }
    }
  }

  /** By the lower quartile: neighbours on the machine only ever add time. */
  private static void ratios(Map<String, Double> all) {
    Map<Part, double[]> ns = new EnumMap<>(Part.class);
    try (CostWorld world = CostWorld.load(SUBNETS, false)) {
      CostRound measured = new CostRound(world, REPEAT);
      for (int round = 0; round < ROUNDS; round++) {
        int at = round;
        measured
            .run(CostPackets.of(PACKET_BYTES))
            .forEach(
                (part, value) -> ns.computeIfAbsent(part, p -> new double[ROUNDS])[at] = value);
      }
    }
    double reference = Spread.of(ns.get(Part.ROOM)).low();
    ns.forEach((part, measured) -> {
      if (part != Part.ROOM) {
        String name = "ratio of " + part.title() + " at " + part.hook();
        all.put(name, Spread.of(measured).low() / reference);
      }
    });
  }

  private static double bytesForASubnet(SubnetTable table) {
    List<Change> changes = new ArrayList<>();
    changes.add(new Change.PutLocal(new LocalSubnet(CostWorld.subnet("10.255.0.0/24"), 0)));
    IntStream.range(0, SUBNETS).forEach(i -> changes.add(CostWorld.remote(i)));
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    double least = Double.MAX_VALUE;
    for (int batch = 0; batch < WARM_UP_BATCHES + BATCHES; batch++) {
      long before = threads.getCurrentThreadAllocatedBytes();
      List<Datapath.Failure> failures = table.apply(changes);
      long after = threads.getCurrentThreadAllocatedBytes();
      if (!failures.isEmpty()) {
        throw new IllegalStateException(failures.toString());
      }
      if (batch >= WARM_UP_BATCHES) {
        least = Math.min(least, (double) (after - before) / changes.size());
      }
    }
    return least;
  }
}
