// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend;

import dev.culvert.bench.endtoend.peer.Peer;
import dev.culvert.measure.Quantity;
import dev.culvert.measure.Samples;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.HdrHistogram.Histogram;

/** Results of a run that never was: "fast" is twice as fast, "same" has no round trips. */
public final class SampleResults {
  private static final int ROUNDS = 7;
  private static final Quantity TCP = Quantity.more("tcp-1", "TCP, 1 stream", "Gbit/s");
  private static final Quantity TRIP = Quantity.less("rtt-50", "UDP round trip", "us");
  private static final Quantity UDP = Quantity.more("udp-64", "UDP received", "kpps");

  public static final Results RESULTS = results();

  private SampleResults() {}

  private static Peer peer(String id) {
    return new Peer(
        id, "title of " + id, "source", Peer.Joins.QUICK_RUNS, true, List.of(), (_, _) -> null);
  }

  private static Results results() {
    Samples samples = new Samples(List.of("kernel-vxlan", "fast", "same"));
    for (int round = 0; round < ROUNDS; round++) {
      samples.put(TCP, "kernel-vxlan", round, 10);
      samples.put(TCP, "fast", round, 20);
      samples.put(TCP, "same", round, 10);
      samples.put(TRIP, "kernel-vxlan", round, 30);
      samples.put(TRIP, "fast", round, 15);
      samples.put(TRIP, "same", round, Double.NaN);
    }
    Histogram trips = new Histogram(1_000_000_000, 3);
    for (int us = 10; us < 1000; us++) {
      trips.recordValue(us * 1000L);
    }
    Group group =
        new Group(
            "wire", "Wire mode", "All alike.", samples, List.of(TCP, TRIP), Map.of("fast", trips));
    return new Results(
        "./culvert bench --quick",
        Instant.parse("2026-11-25T10:00:00Z"),
        Duration.ofSeconds(121),
        1,
        new Machine("Some processor", 2, "6.18", "8 GB", "Java", "none", 0.5),
        List.of(peer("kernel-vxlan"), peer("fast"), peer("same")),
        List.of(new Results.Absent(peer("geneve"), "Error: Unknown device <type>.")),
        List.of(group),
        List.of(curve()),
        List.of("wire: same fell."));
  }

  private static ScalingCurve curve() {
    TreeMap<Integer, Samples> points = new TreeMap<>();
    points.put(10, point(1000));
    points.put(100, point(900));
    return new ScalingCurve("subnets", "As subnets grow", "subnets", UDP, points);
  }

  private static Samples point(double value) {
    Samples samples = new Samples(List.of("fast"));
    samples.put(UDP, "fast", 0, value);
    return samples;
  }
}
