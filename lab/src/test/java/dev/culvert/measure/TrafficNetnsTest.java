// SPDX-License-Identifier: Apache-2.0
package dev.culvert.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.lab.LabException;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.LabPlan.Underlay;
import dev.culvert.lab.Shell;
import dev.culvert.lab.Topology;
import dev.culvert.lab.datapath.ContainerLinks;
import dev.culvert.lab.datapath.RoutesDatapath;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The measurements that need no program of others, over plain routes. Needs root. */
@Tag("netns")
class TrafficNetnsTest {
  private static final LabPlan PLAN = new LabPlan("cv-traffic-", 2, 2, Underlay.ROUTED);
  private static final Contestant CONTESTANT =
      new Contestant("routes", PLAN.containerList().getFirst(), PLAN.containerList().getLast());
  private static final Duration TURN = Duration.ofMillis(400);

  private static Map<String, Double> take(Measurement measurement) {
    return measurement.take(CONTESTANT).entrySet().stream()
        .collect(Collectors.toMap(entry -> entry.getKey().id(), Map.Entry::getValue));
  }

  @Test
  void datagramsRoundTripsAndConnectionsAreCounted() {
    try (Shell shell = new Shell();
        Topology topology = Topology.build(shell, PLAN)) {
      new RoutesDatapath(topology, true, ContainerLinks.VETH).up();

      Map<String, Double> packets = take(new PacketRate(64, TURN));
      assertTrue(packets.get("udp-64") > 0, packets.toString());
      double loss = packets.get("udp-64-loss");
      assertTrue(loss >= 0 && loss < 100, packets.toString());

      AtomicInteger kept = new AtomicInteger();
      Map<String, Double> trips = take(new Echo(TURN, (_, ns) -> kept.set(ns.length)));
      // Each comes and goes within a millisecond, or they are not what they say.
      assertTrue(kept.get() > TURN.toMillis(), kept.toString());
      assertTrue(trips.get("echo-50") > 0, trips.toString());
      assertTrue(trips.get("echo-50") <= trips.get("echo-99"), trips.toString());

      assertTrue(take(new ConnectionRate(TURN)).get("connections") > 0);
    }
  }

  @Test
  void aWayThatLeadsNowhereIsToldByName() {
    try (Shell shell = new Shell();
        Topology topology = Topology.build(shell, PLAN)) {
      new RoutesDatapath(topology, false, ContainerLinks.VETH).up();
      for (Measurement measurement :
          List.of(new PacketRate(64, TURN), new Echo(TURN, (_, _) -> {}))) {
        LabException e = assertThrows(LabException.class, () -> measurement.take(CONTESTANT));
        assertEquals(true, e.getMessage().contains("over routes"), e.getMessage());
      }
    }
  }
}
