// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.scenario;

import dev.culvert.lab.Command;
import dev.culvert.lab.Greeter;
import dev.culvert.lab.Greeter.Greeting;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Outcome;
import dev.culvert.lab.Probes;
import dev.culvert.lab.Topology;
import dev.culvert.lab.datapath.ContainerLinks;
import dev.culvert.lab.datapath.RoutesDatapath;
import java.util.List;
import java.util.stream.Stream;

/** NAT on both hosts and a published port: works for one service of a port, and hides who calls. */
final class Scenario4bPublishedPort implements Scenario {
  private static final int PORT = 8080;
  private static final int CALLS = 5;

  @Override
  public String id() {
    return "4b";
  }

  @Override
  public String title() {
    return "The same with NAT and a published port: one service per port, the source is lost";
  }

  @Override
  public void run(Stage stage) {
    LabPlan plan = stage.plan(LabPlan.Underlay.ROUTED);
    try (Topology topology = stage.lab().build(plan);
        RoutesDatapath routes = new RoutesDatapath(topology, false, ContainerLinks.VETH)) {
      routes.up();
      LabPlan.Container from = Stage.talker(plan);
      LabPlan.Container published = Stage.listener(plan);
      LabPlan.Container other = plan.containersOf(plan.host(2)).reversed().get(1);
      masquerade(stage, from.host());
      publish(stage, published);
      try (Greeter _ = Greeter.start(published, PORT);
          Greeter _ = Greeter.start(other, PORT)) {
        calls(stage, from, published);
        samePort(stage, from, published, other);
      }
      byAddress(stage, from, published);
    }
  }

  private static void masquerade(Stage stage, LabPlan.Host host) {
    nft(
        stage,
        host,
        """
        table ip lab {
          chain out {
            type nat hook postrouting priority srcnat;
            ip saddr %s oifname "%s" masquerade
          }
        }
        """
            .formatted(host.subnet(), Topology.DEVICE));
  }

  private static void publish(Stage stage, LabPlan.Container container) {
    nft(
        stage,
        container.host(),
        """
        table ip lab {
          chain in {
            type nat hook prerouting priority dstnat;
            iifname "%s" tcp dport %d dnat to %s
          }
        }
        """
            .formatted(Topology.DEVICE, PORT, container.address()));
  }

  private static void nft(Stage stage, LabPlan.Host host, String rules) {
    stage.shell().check(Command.of("nft", "-f", "-").in(host.namespace()).reading(rules));
  }

  private static void calls(Stage stage, LabPlan.Container from, LabPlan.Container to) {
    String address = to.host().address();
    stage
        .report()
        .step(
            "%s calls %s:%d, where %s publishes port %d of %s"
                .formatted(from.name(), address, PORT, to.host().name(), PORT, to.name()),
            "%s answers, but takes the caller for %s (%s), not %s"
                .formatted(to.name(), from.host().address(), from.host().name(), from.address()),
            () -> {
              Greeting greeting = Greeter.call(from, address, PORT);
              return Outcome.of(
                  greeting.server().equals(to.name())
                      && greeting.clientAddress().equals(from.host().address()),
                  "%s answers and sees the caller as %s"
                      .formatted(greeting.server(), greeting.clientAddress()));
            });
  }

  private static void samePort(
      Stage stage, LabPlan.Container from, LabPlan.Container to, LabPlan.Container other) {
    stage
        .report()
        .step(
            "%s publishes port %d for %s as well; %s calls it %d times"
                .formatted(to.host().name(), PORT, other.name(), from.name(), CALLS),
            "every call reaches %s: a port is one service's".formatted(to.name()),
            () -> {
              publish(stage, other);
              List<String> answers =
                  Stream.generate(() -> Greeter.call(from, to.host().address(), PORT))
                      .limit(CALLS)
                      .map(Greeting::server)
                      .toList();
              boolean always = answers.stream().allMatch(to.name()::equals);
              return Outcome.of(
                  always,
                  "%d of %d calls reached %s, %d reached %s"
                      .formatted(
                          answers.stream().filter(to.name()::equals).count(),
                          CALLS,
                          to.name(),
                          answers.stream().filter(other.name()::equals).count(),
                          other.name()));
            });
  }

  private static void byAddress(Stage stage, LabPlan.Container from, LabPlan.Container to) {
    stage
        .report()
        .step(
            "%s pings %s by its own address".formatted(from.name(), to.name()),
            "no answer: NAT does not make containers reachable",
            () -> {
              var ping = Probes.ping(stage.shell(), from.namespace(), to.address(), 2);
              return Outcome.of(ping.received() == 0, ping.text());
            });
  }
}
