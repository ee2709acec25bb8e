// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.scenario;

import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Outcome;
import dev.culvert.lab.Probes;

/** Hosts whose own network is IPv6: the overlay carries both families over it. */
final class Scenario4c6Ipv6Underlay implements Scenario {
  @Override
  public String id() {
    return "4c6";
  }

  @Override
  public String title() {
    return "The overlay over an IPv6 underlay, with both families inside";
  }

  @Override
  public void run(Stage stage) {
    if (!stage.family().innerIpv6()) {
      return;
    }
    LabPlan plan =
        new LabPlan(LabPlan.PREFIX, 2, 2, LabPlan.Underlay.ROUTED)
            .with(LabPlan.Family.IPV6)
            .with(stage.store());
    stage.inLabOfItsOwn(
        plan,
        datapath -> {
          ipv4Inside(stage, Stage.talker(plan), Stage.listener(plan));
          new Ipv6Inside(stage, datapath, plan).steps();
        });
  }

  private static void ipv4Inside(Stage stage, LabPlan.Container from, LabPlan.Container to) {
    stage
        .report()
        .step(
            "%s %s pings %s %s; the hosts are %s and %s"
                .formatted(
                    from.name(),
                    from.address(),
                    to.name(),
                    to.address(),
                    from.host().address(),
                    to.host().address()),
            "every answer: IPv4 inside IPv6",
            () -> {
              var ping = Probes.ping(stage.shell(), from.namespace(), to.address(), 3);
              return Outcome.of(ping.all(), ping.text());
            });
  }
}
