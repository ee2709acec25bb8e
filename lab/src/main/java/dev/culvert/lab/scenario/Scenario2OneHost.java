// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.scenario;

import dev.culvert.lab.AgentProcess;
import dev.culvert.lab.Capture;
import dev.culvert.lab.Command;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Outcome;
import dev.culvert.lab.Probes;
import dev.culvert.lab.Topology;
import dev.culvert.lab.datapath.CulvertDatapath;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Two containers on one host, attached by Culvert; then on a bridge that somebody else made. */
final class Scenario2OneHost implements Scenario {
  private static final String BRIDGE = "br0";

  @Override
  public String id() {
    return "2";
  }

  @Override
  public String title() {
    return "Two containers on one host, without a bridge and with one that somebody else made";
  }

  @Override
  public void run(Stage stage) {
    LabPlan plan = new LabPlan(LabPlan.PREFIX, 2, 4, LabPlan.Underlay.ROUTED).with(stage.store());
    LabPlan.Host host = plan.host(1);
    LabPlan.Container first = plan.containersOf(host).get(0);
    LabPlan.Container second = plan.containersOf(host).get(1);
    LabPlan.Container remote = plan.containersOf(plan.host(2)).getFirst();
    try (Topology topology = stage.lab().build(plan);
        CulvertDatapath culvert = new CulvertDatapath(stage.lab(), topology)) {
      culvert.startAgents();
      AgentProcess agent = culvert.agent(host);
      agent.attach(first);
      agent.attach(second);
      stayOnHost(stage, first, second, "attached by Culvert, no bridge");

      detach(agent, first);
      detach(agent, second);
      buildBridge(topology, host, List.of(first, second));
      stayOnHost(stage, first, second, "on the foreign bridge " + BRIDGE);
      overBridge(stage, culvert, first, remote);
      bridgeSurvives(stage, agent, first, second);
    }
  }

  private static void stayOnHost(
      Stage stage, LabPlan.Container first, LabPlan.Container second, String how) {
    stage
        .report()
        .step(
            "%s and %s ping each other, %s".formatted(first.name(), second.name(), how),
            "every answer; nothing leaves the host",
            () -> {
              String namespace = first.host().namespace();
              try (Capture underlay =
                  Capture.start(stage.lab(), Capture.Wire.of(namespace, Topology.DEVICE))) {
                var there = Probes.ping(stage.shell(), first.namespace(), second.address(), 3);
                var back = Probes.ping(stage.shell(), second.namespace(), first.address(), 3);
                List<String> left = underlay.lines();
                return Outcome.of(
                        there.all() && back.all() && left.isEmpty(),
                        "%s, %s back; %d packets on the underlay"
                            .formatted(there.text(), back.text(), left.size()))
                    .with(left);
              }
            });
  }

  private static void detach(AgentProcess agent, LabPlan.Container container) {
    var _ = agent.ask(Map.of("request", "detach", "address", container.address()));
  }

  private static void buildBridge(
      Topology topology, LabPlan.Host host, List<LabPlan.Container> containers) {
    List<String> lines = new ArrayList<>();
    lines.add("link add " + BRIDGE + " type bridge forward_delay 0");
    lines.add("address add " + host.subnetGateway() + "/24 dev " + BRIDGE);
    lines.add("link set " + BRIDGE + " up");
    for (LabPlan.Container container : containers) {
      lines.add(
          "link add %s mtu 1450 type veth peer name %s mtu 1450 netns %s"
              .formatted(container.name(), Topology.DEVICE, container.namespace()));
      lines.add("link set " + container.name() + " master " + BRIDGE + " up");
    }
    topology.ip(host.namespace(), lines);
    for (LabPlan.Container container : containers) {
      topology.ip(
          container.namespace(),
          List.of(
              "address add " + container.address() + "/24 dev " + Topology.DEVICE,
              "link set " + Topology.DEVICE + " up",
              "route add default via " + host.subnetGateway()));
    }
  }

  private static void overBridge(
      Stage stage, CulvertDatapath culvert, LabPlan.Container first, LabPlan.Container remote) {
    stage
        .report()
        .step(
            "Culvert lets %s into the overlay; %s pings %s on %s"
                .formatted(BRIDGE, first.name(), remote.name(), remote.host().name()),
            "every answer, both ways",
            () -> {
              Map<String, Object> answer =
                  culvert
                      .agent(first.host())
                      .ask(Map.of("request", "attach-bridge", "bridge", BRIDGE));
              culvert.agent(remote.host()).attach(remote);
              var there = Probes.ping(stage.shell(), first.namespace(), remote.address(), 3);
              var back = Probes.ping(stage.shell(), remote.namespace(), first.address(), 3);
              return Outcome.of(
                  answer != null && there.all() && back.all(),
                  there.text() + ", " + back.text() + " back");
            });
  }

  private static void bridgeSurvives(
      Stage stage, AgentProcess agent, LabPlan.Container first, LabPlan.Container second) {
    stage
        .report()
        .step(
            "Culvert lets go of " + BRIDGE,
            "the bridge, its address and its ports are as before",
            () -> {
              Map<String, Object> answer =
                  agent.ask(Map.of("request", "detach-bridge", "bridge", BRIDGE));
              var ping = Probes.ping(stage.shell(), first.namespace(), second.address(), 3);
              String address =
                  stage
                      .shell()
                      .output(
                          Command.of("ip", "-4", "-o", "address", "show", "dev", BRIDGE)
                              .in(first.host().namespace()));
              boolean kept = address.contains(first.host().subnetGateway() + "/24");
              return Outcome.of(
                  answer != null && ping.all() && kept,
                  "%s over %s, which %s its address"
                      .formatted(ping.text(), BRIDGE, kept ? "has kept" : "has LOST"));
            });
  }
}
