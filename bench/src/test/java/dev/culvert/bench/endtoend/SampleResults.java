// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend;

import dev.culvert.bench.Machine;
import dev.culvert.bench.endtoend.peer.Peer;
import dev.culvert.bench.endtoend.result.Group;
import dev.culvert.bench.endtoend.result.Results;
import dev.culvert.bench.endtoend.result.ScalingCurve;
import dev.culvert.measure.Quantity;
import dev.culvert.measure.Samples;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.HdrHistogram.Histogram;

/**
 * Results of a run that never was, of all that can be measured: "fast" is twice as fast, "uneven"
 * has an interval that is longer below its ratio than above, "same" has no round trips.
 */
public final class SampleResults {
  /** Their median is 1.89, and the interval of that reaches 1.28 and 1.93. */
  private static final double[] UNEVEN = {1.93, 1.28, 1.91, 1.3, 1.89, 1.4, 1.92};

  private static final int ROUNDS = UNEVEN.length;
  private static final Quantity UDP = Quantity.more("udp-64", "UDP received", "kpps");

  public static final Results RESULTS = results();

  private SampleResults() {}

  private static Peer peer(String id) {
    return new Peer(
        id, "title of " + id, "source", Peer.Joins.QUICK_RUNS, true, List.of(), (_, _) -> null);
  }

  /** What the real measurements say they measure; none of them is taken. */
  private static List<Quantity> quantities() {
    Kind.Tools tools = new Kind.Tools(null, null, Duration.ZERO, (_, _) -> {});
    return Kind.all().stream().map(kind -> kind.with(tools).quantities().getFirst()).toList();
  }

  private static Results results() {
    Samples samples = new Samples(List.of("kernel-vxlan", "fast", "same", "uneven"));
    for (Quantity quantity : quantities()) {
      double value = quantity.moreIsBetter() ? 10 : 30;
      double fast = quantity.moreIsBetter() ? 20 : 15;
      for (int round = 0; round < ROUNDS; round++) {
        samples.put(quantity, "kernel-vxlan", round, value);
        samples.put(quantity, "fast", round, fast);
        samples.put(quantity, "same", round, quantity.id().equals("echo-50") ? Double.NaN : value);
        samples.put(quantity, "uneven", round, value * UNEVEN[round]);
      }
    }
    Histogram trips = new Histogram(1_000_000_000, 3);
    for (int us = 10; us < 1000; us++) {
      trips.recordValue(us * 1000L);
    }
    Group group =
        new Group("wire", "Wire mode", "All alike.", samples, quantities(), Map.of("fast", trips));
    return new Results(
        "./culvert bench --quick",
        "v0.1-3-g0123456789ab",
        Instant.parse("2026-11-25T10:00:00Z"),
        Duration.ofSeconds(121),
        1,
        new Machine("Some processor", 2, "6.18", "8 GB", "Java", "none", 0.5),
        List.of(peer("kernel-vxlan"), peer("fast"), peer("same"), peer("uneven")),
        List.of(new Results.Absent(peer("geneve"), "Error: Unknown device <type>.")),
        List.of(group),
        List.of(curve()),
        List.of("wire: same fell.", "wire: " + "it fell again and again, ".repeat(6) + "it did."));
  }

  private static ScalingCurve curve() {
    TreeMap<Integer, Samples> points = new TreeMap<>();
    points.put(10, point(1000));
    points.put(100, point(900, 890, 500));
    return new ScalingCurve("subnets", "As subnets grow", "subnets", UDP, points);
  }

  private static Samples point(double... values) {
    Samples samples = new Samples(List.of("fast"));
    for (int round = 0; round < values.length; round++) {
      samples.put(UDP, "fast", round, values[round]);
    }
    return samples;
  }
}
