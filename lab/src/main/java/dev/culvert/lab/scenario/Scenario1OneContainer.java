// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.scenario;

import dev.culvert.lab.Capture;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Outcome;
import dev.culvert.lab.Probes;
import dev.culvert.lab.Topology;
import java.util.List;

/** A namespace, its loopback, a veth pair, a route to it and a default route out of it. */
final class Scenario1OneContainer implements Scenario {
  @Override
  public String id() {
    return "1";
  }

  @Override
  public String title() {
    return "One container: a namespace, its loopback, a veth pair, a route in and a route out";
  }

  @Override
  public void run(Stage stage) {
    LabPlan plan = new LabPlan(LabPlan.PREFIX, 1, 1, LabPlan.Underlay.ROUTED).with(stage.store());
    try (Topology topology = stage.lab().build(plan)) {
      LabPlan.Host host = plan.host(1);
      LabPlan.Container container = plan.containerList().getFirst();
      stage
          .report()
          .step(
              container.name() + " pings its own loopback",
              "an answer: the namespace has a network stack of its own",
              () -> {
                var ping = Probes.ping(stage.shell(), container.namespace(), "127.0.0.1", 1);
                return Outcome.of(ping.all(), ping.text());
              });
      topology.linkContainer(container, Topology.UNDERLAY_MTU_BYTES);
      Ping in = new Ping(host.name(), host.namespace(), container.address());
      Ping out = new Ping(container.name(), container.namespace(), host.address());
      pings(stage, in, container);
      pings(stage, out, container);
    }
  }

  /**
   * Over the veth pair.
   *
   * @param namespace of who pings
   */
  private record Ping(String who, String namespace, String address) {}

  private static void pings(Stage stage, Ping wanted, LabPlan.Container container) {
    stage
        .report()
        .step(
            wanted.who() + " pings " + wanted.address() + " over the veth pair",
            "every answer; ARP and ICMP on the veth",
            () -> {
              // Else the second ping finds its neighbour known, and there is no ARP to see.
              forgetNeighbours(stage, container);
              try (Capture capture =
                  Capture.start(
                      stage.lab(),
                      Capture.Wire.withChatter(container.host().namespace(), container.name()))) {
                var ping = Probes.ping(stage.shell(), wanted.namespace(), wanted.address(), 2);
                List<String> packets = capture.lines();
                boolean arp = packets.stream().anyMatch(line -> line.startsWith("ARP"));
                boolean icmp = packets.stream().anyMatch(line -> line.contains("ICMP echo"));
                return Outcome.of(ping.all() && arp && icmp, ping.text())
                    .with(packets.stream().limit(4).toList());
              }
            });
  }

  private static void forgetNeighbours(Stage stage, LabPlan.Container container) {
    for (String namespace : List.of(container.namespace(), container.host().namespace())) {
      stage
          .shell()
          .check(dev.culvert.lab.Command.of("ip", "neighbour", "flush", "all").in(namespace));
    }
  }
}
