// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.scenario;

import dev.culvert.lab.AgentProcess;
import dev.culvert.lab.Command;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Outcome;
import dev.culvert.lab.Patience;
import dev.culvert.lab.Probes;
import dev.culvert.lab.Running;
import dev.culvert.lab.datapath.CulvertDatapath;
import dev.culvert.lab.datapath.LabDatapath;
import java.time.Duration;

/** The control plane dies and comes back while packets flow. */
final class AgentDeath {
  private static final Duration WHILE_DEAD = Duration.ofMillis(500);
  private static final Duration BACK = Duration.ofSeconds(5);

  private AgentDeath() {}

  static void steps(Stage stage, LabPlan.Container from, LabPlan.Container to) {
    if (!(stage.overlay() instanceof CulvertDatapath culvert)) {
      return;
    }
    AgentProcess agent = culvert.agent(from.host());
    if (stage.kind() == LabDatapath.Kind.USERSPACE) {
      stops(stage, agent, from, to);
      return;
    }
    stage
        .report()
        .step(
            "The agent of %s is killed with -9 and started again, while %s pings %s every 10 ms"
                .formatted(from.host().name(), from.name(), to.name()),
            "not one ping is lost",
            () -> {
              try (Running ping = pinging(stage, from, to)) {
                Patience.pause(WHILE_DEAD);
                agent.kill();
                Patience.pause(WHILE_DEAD);
                agent.restart();
                Patience.pause(WHILE_DEAD);
                Probes.Ping seen = Probes.interrupted(stage.shell(), ping);
                return Outcome.of(
                    seen.all(), seen.text() + "; it runs again as pid " + agent.pid());
              }
            });
  }

  /** An agent that carries the packets takes them along, until the next one is up. */
  private static void stops(
      Stage stage, AgentProcess agent, LabPlan.Container from, LabPlan.Container to) {
    stage
        .report()
        .step(
            "The agent of %s, which carries the packets itself, is killed with -9 and started again"
                .formatted(from.host().name()),
            "no answer while it is dead, every answer afterwards",
            () -> {
              agent.kill();
              Probes.Ping dead = Probes.ping(stage.shell(), from.namespace(), to.address(), 3);
              agent.restart();
              boolean back =
                  Patience.holdsWithin(
                      BACK,
                      () -> Probes.ping(stage.shell(), from.namespace(), to.address(), 3).all());
              return Outcome.of(
                  dead.received() == 0 && back,
                  "%s while it was dead; %s as pid %d"
                      .formatted(dead.text(), back ? "back" : "NOT back", agent.pid()));
            });
  }

  private static Running pinging(Stage stage, LabPlan.Container from, LabPlan.Container to) {
    return stage
        .shell()
        .start(
            Command.of("ping", "-n", "-q", "-i", "0.01", to.address()).in(from.namespace()),
            stage.lab().file("ping.log"));
  }
}
