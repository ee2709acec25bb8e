// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.scenario;

import dev.culvert.lab.Capture;
import dev.culvert.lab.Command;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Outcome;
import dev.culvert.lab.Probes;
import dev.culvert.lab.Topology;
import java.util.List;

/** Hosts in one network need no encapsulation: the other host is the next hop. */
final class Scenario3OneNetwork implements Scenario {
  @Override
  public String id() {
    return "3";
  }

  @Override
  public String title() {
    return "Containers on different hosts of one network: direct routing";
  }

  @Override
  public void run(Stage stage) {
    LabPlan plan = stage.plan(LabPlan.Underlay.FLAT);
    LabPlan.Container from = Stage.talker(plan);
    LabPlan.Container to = Stage.listener(plan);
    stage.inLabOfItsOwn(
        plan,
        _ ->
            stage
                .report()
                .step(
                    "%s pings %s, which is on %s in the same network"
                        .formatted(from.name(), to.name(), to.host().name()),
                    "every answer; on the underlay the packet is as the container sent it,"
                        + " addressed to the other host's MAC",
                    () -> cross(stage, from, to)));
  }

  private static Outcome cross(Stage stage, LabPlan.Container from, LabPlan.Container to) {
    try (Capture capture =
        Capture.start(stage.lab(), Capture.Wire.of(to.host().namespace(), Topology.DEVICE))) {
      var ping = Probes.ping(stage.shell(), from.namespace(), to.address(), 3);
      List<String> all = capture.lines();
      List<String> bare =
          capture.linesWithEthernet("icmp and src " + from.address() + " and dst " + to.address());
      long wrapped = all.stream().filter(line -> line.contains("VXLAN")).count();
      String mac = mac(stage, to.host());
      boolean nextHop =
          !bare.isEmpty() && bare.stream().allMatch(line -> line.contains("> " + mac));
      return Outcome.of(
              ping.all() && wrapped == 0 && bare.size() == ping.sent() && nextHop,
              "%s; %d packets bare, %d encapsulated; next hop %s"
                  .formatted(
                      ping.text(), all.size() - wrapped, wrapped, nextHop ? mac : "NOT " + mac))
          .with(bare.stream().limit(1).toList());
    }
  }

  private static String mac(Stage stage, LabPlan.Host host) {
    String line =
        stage
            .shell()
            .output(
                Command.of("ip", "-o", "link", "show", "dev", Topology.DEVICE)
                    .in(host.namespace()));
    return line.replaceFirst("(?s).*link/ether (\\S+).*", "$1");
  }
}
