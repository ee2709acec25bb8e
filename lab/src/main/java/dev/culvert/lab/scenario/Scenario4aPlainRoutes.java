// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.scenario;

import dev.culvert.lab.Capture;
import dev.culvert.lab.Lab;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Outcome;
import dev.culvert.lab.Probes;
import dev.culvert.lab.Topology;
import dev.culvert.lab.datapath.ContainerLinks;
import dev.culvert.lab.datapath.RoutesDatapath;
import java.util.List;

/**
 * Routes on the hosts alone cannot work: the router between them knows neither the destination nor,
 * for its ICMP answer, the way back to a container. So the answer shows when a host asks.
 */
final class Scenario4aPlainRoutes implements Scenario {
  @Override
  public String id() {
    return "4a";
  }

  @Override
  public String title() {
    return "Containers on different hosts in different networks, plain routes only: it FAILS";
  }

  @Override
  public void run(Stage stage) {
    LabPlan plan = stage.plan(LabPlan.Underlay.ROUTED);
    Lab lab = stage.lab();
    try (Topology topology = lab.build(plan);
        RoutesDatapath routes = new RoutesDatapath(topology, false, ContainerLinks.VETH)) {
      routes.up();
      LabPlan.Container from = Stage.talker(plan);
      LabPlan.Container to = Stage.listener(plan);
      LabPlan.Host host = from.host();
      stage
          .report()
          .step(
              "%s pings %s; the hosts route each other's subnet to the router"
                  .formatted(from.name(), to.name()),
              "no answer: the request reaches the router and ends there (the router has no way"
                  + " back to tell the container)",
              () -> {
                try (Capture capture = onRouter(lab, plan, host)) {
                  var ping = Probes.ping(stage.shell(), from.namespace(), to.address(), 2);
                  List<String> packets = capture.lines();
                  boolean arrived = contains(packets, "ICMP echo request");
                  boolean answered = contains(packets, "ICMP echo reply");
                  return Outcome.of(ping.received() == 0 && arrived && !answered, ping.text())
                      .with(packets);
                }
              });
      stage
          .report()
          .step(
              "%s itself, which the router knows, pings %s".formatted(host.name(), to.name()),
              "the router answers: ICMP destination unreachable",
              () -> {
                try (Capture capture = onRouter(lab, plan, host)) {
                  var ping = Probes.ping(stage.shell(), host.namespace(), to.address(), 2);
                  List<String> packets = capture.lines();
                  boolean unreachable = contains(packets, "unreachable");
                  return Outcome.of(ping.received() == 0 && unreachable, ping.text()).with(packets);
                }
              });
    }
  }

  private static Capture onRouter(Lab lab, LabPlan plan, LabPlan.Host host) {
    return Capture.start(lab, Capture.Wire.of(plan.routerNamespace(), host.name()));
  }

  private static boolean contains(List<String> packets, String text) {
    return packets.stream().anyMatch(line -> line.contains(text));
  }
}
