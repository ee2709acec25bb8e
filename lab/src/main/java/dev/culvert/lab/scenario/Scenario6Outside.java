// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.scenario;

import dev.culvert.lab.Command;
import dev.culvert.lab.Greeter;
import dev.culvert.lab.Greeter.Greeting;
import dev.culvert.lab.LabException;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Outcome;
import dev.culvert.lab.Patience;
import dev.culvert.lab.Probes;
import dev.culvert.lab.Topology;
import dev.culvert.lab.datapath.CulvertDatapath;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * A machine behind the router answers containers, since it takes them for their hosts: masquerade
 * for what leaves the overlay, and for nothing else. Three hosts: one with eBPF, one without, one
 * without masquerade.
 */
final class Scenario6Outside implements Scenario {
  private static final int PORT = 8080;
  private static final String SERVER = "server";

  /** RFC 5737: for documentation, so that nobody has it. */
  private static final String NETWORK = "203.0.113.";

  private static final String ADDRESS = NETWORK + "2";
  private static final Duration LOOK = Duration.ofSeconds(15);

  @Override
  public String id() {
    return "6";
  }

  @Override
  public String title() {
    return "The world outside: it sees the hosts; inside the overlay containers see each other";
  }

  @Override
  public void run(Stage stage) {
    LabPlan plan =
        new LabPlan(LabPlan.PREFIX + "x-outside-", 3, 3, LabPlan.Underlay.ROUTED)
            .with(stage.store());
    String outside = plan.prefix() + SERVER;
    try (Topology topology = stage.lab().build(plan);
        CulvertDatapath culvert =
            new CulvertDatapath(
                stage.lab(),
                topology,
                host ->
                    Map.of(
                        "datapath", host.number() == 2 ? "userspace" : "ebpf",
                        "masquerade", host.number() == 3 ? "false" : "true"))) {
      stage.lab().state().claimNamespaces(List.of(outside));
      topology.addOutside(outside, NETWORK);
      culvert.up();
      List<LabPlan.Container> containers = plan.containerList();
      try (Greeter _ = Greeter.start(SERVER, outside, ADDRESS, PORT);
          Greeter _ = Greeter.start(containers.get(1), PORT)) {
        unanswered(stage, containers.get(2));
        seesTheHost(stage, containers.get(0), "by eBPF");
        seesTheHost(stage, containers.get(1), "without eBPF");
        seesTheContainer(stage, containers.get(0), containers.get(1));
        flushed(stage, containers.get(0));
      }
    }
  }

  private static void unanswered(Stage stage, LabPlan.Container from) {
    stage
        .report()
        .step(
            "%s, whose host does not masquerade, pings %s (%s) behind the router"
                .formatted(from.name(), SERVER, ADDRESS),
            "no answer: the router knows no way back to " + from.address(),
            () -> {
              var ping = Probes.ping(stage.shell(), from.namespace(), ADDRESS, 2);
              return Outcome.of(ping.received() == 0, ping.text());
            });
  }

  private static void seesTheHost(Stage stage, LabPlan.Container from, String how) {
    stage
        .report()
        .step(
            "%s, whose host masquerades (%s), pings and calls it".formatted(from.name(), how),
            "%s answers, and takes the caller for %s (%s)"
                .formatted(SERVER, from.host().address(), from.host().name()),
            () -> {
              var ping = Probes.ping(stage.shell(), from.namespace(), ADDRESS, 3);
              Greeting greeting = Greeter.call(from, ADDRESS, PORT);
              return Outcome.of(
                  ping.all() && greeting.clientAddress().equals(from.host().address()),
                  "%s; it sees the caller as %s".formatted(ping.text(), greeting.clientAddress()));
            });
  }

  private static void seesTheContainer(Stage stage, LabPlan.Container from, LabPlan.Container to) {
    stage
        .report()
        .step(
            "%s calls %s on %s".formatted(from.name(), to.name(), to.host().name()),
            "%s sees the caller as %s".formatted(to.name(), from.address()),
            () -> {
              Greeting greeting = Greeter.call(from, to.address(), PORT);
              return Outcome.of(
                  greeting.clientAddress().equals(from.address()),
                  "it sees the caller as " + greeting.clientAddress());
            });
  }

  private static void flushed(Stage stage, LabPlan.Container from) {
    stage
        .report()
        .step(
            "Somebody flushes all firewall rules of " + from.host().name(),
            "the agent puts its own back",
            () -> {
              stage
                  .shell()
                  .check(Command.of("nft", "flush", "ruleset").in(from.host().namespace()));
              boolean again = Patience.holdsWithin(LOOK, () -> isAnswered(from));
              return Outcome.of(again, again ? "the server answers again" : "NO answer any more");
            });
  }

  private static boolean isAnswered(LabPlan.Container from) {
    try {
      return Greeter.call(from, ADDRESS, PORT).clientAddress().equals(from.host().address());
    } catch (LabException nobodyAnswers) {
      return false;
    }
  }
}
