// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.scenario;

import dev.culvert.lab.Command;
import dev.culvert.lab.Datagrams;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Outcome;
import dev.culvert.lab.Probes;
import dev.culvert.lab.Report;
import dev.culvert.lab.Shell;
import dev.culvert.lab.Topology;
import dev.culvert.lab.Transfer;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The overlay: every protocol and port, both addresses kept, the router none the wiser. */
final class Scenario4cOverlay implements Scenario {
  private static final long GIBIBYTE = 1L << 30;
  private static final int UDP_HEADERS_BYTES = 28;
  private static final List<Integer> LARGE_BYTES = List.of(1500, 2000, 4096, 9000, 20_000, 60_000);
  private static final int PING_SHELLS = 2;

  @Override
  public String id() {
    return "4c";
  }

  @Override
  public String title() {
    return "The same with the overlay: it works";
  }

  @Override
  public void run(Stage stage) {
    Topology topology = stage.topology();
    LabPlan plan = topology.plan();
    LabPlan.Container from = Stage.talker(plan);
    LabPlan.Container to = Stage.listener(plan);
    Report report = stage.report();
    Shell shell = stage.shell();
    int mtuBytes = stage.overlay().containerMtuBytes();

    report.step(
        "%s pings %s".formatted(from.name(), to.name()),
        "every answer",
        () -> {
          var ping = Probes.ping(shell, from.namespace(), to.address(), 3);
          return Outcome.of(ping.all(), ping.text());
        });
    new WireCheck(stage, stage.overlay(), from, to).run();
    report.step(
        "The router's routes and the hosts' firewalls",
        "no route to %s; no NAT rule".formatted(LabPlan.NETWORK),
        () -> untouched(shell, plan));
    report.step(
        "UDP of every size from 1 byte to the MTU (%d), %s to %s and back"
            .formatted(mtuBytes, from.name(), to.name()),
        "every datagram comes back unchanged",
        () -> datagrams(from, to, upTo(mtuBytes - UDP_HEADERS_BYTES)));
    report.step(
        "UDP larger than the MTU, up to 60000 bytes, in fragments",
        "every datagram comes back unchanged",
        () -> datagrams(from, to, LARGE_BYTES));
    report.step(
        "ICMP echo of every size from 0 bytes to the MTU, unfragmented",
        "every answer",
        () -> echoes(shell, from, to, mtuBytes - UDP_HEADERS_BYTES));
    report.step(
        "TCP, 1 GiB from %s to %s".formatted(from.name(), to.name()),
        "the same hash on both sides",
        () -> {
          Transfer.Sums sums = Transfer.run(from, to, GIBIBYTE);
          return Outcome.of(
              sums.intact(),
              "%s, in %.1f s: sent %s, received %s"
                  .formatted(
                      sums.intact() ? "intact" : "CHANGED",
                      sums.seconds(),
                      sums.sent(),
                      sums.received()));
        });
    AgentDeath.steps(stage, from, to);
    if (stage.family().innerIpv6()) {
      new Ipv6Inside(stage, stage.overlay(), plan).steps();
    }
  }

  private static Outcome untouched(Shell shell, LabPlan plan) {
    List<String> routes =
        shell
            .output(Command.of("ip", "route", "show", "table", "all").in(plan.routerNamespace()))
            .lines()
            .filter(line -> !line.startsWith("local ") && !line.startsWith("broadcast "))
            .map(String::strip)
            .toList();
    boolean knows = routes.stream().anyMatch(route -> route.contains("10.244."));
    long rules =
        Stream.concat(
                plan.hostList().stream().map(LabPlan.Host::namespace),
                Stream.of(plan.routerNamespace()))
            .mapToLong(
                name -> shell.output(Command.of("nft", "list", "ruleset").in(name)).lines().count())
            .sum();
    return Outcome.of(
            !knows && rules == 0,
            "%s; %s firewall rules"
                .formatted(
                    knows ? "the router KNOWS the overlay" : "the router knows the underlay only",
                    rules == 0 ? "no" : String.valueOf(rules)))
        .with(routes);
  }

  private static List<Integer> upTo(int payloadBytes) {
    return IntStream.rangeClosed(1, payloadBytes).boxed().toList();
  }

  private static Outcome datagrams(
      LabPlan.Container from, LabPlan.Container to, List<Integer> sizes) {
    List<String> failures = Datagrams.echo(from, to, sizes);
    return failures.isEmpty()
        ? Outcome.of(true, "all %d sizes came back unchanged".formatted(sizes.size()))
        : Outcome.of(false, "not all sizes").with(failures);
  }

  private static Outcome echoes(
      Shell shell, LabPlan.Container from, LabPlan.Container to, int lastBytes) {
    int part = (lastBytes + PING_SHELLS) / PING_SHELLS;
    List<String> failures =
        IntStream.range(0, PING_SHELLS)
            .parallel()
            .mapToObj(index ->
                Probes.pingSizes(
                    shell,
                    from.namespace(),
                    to.address(),
                    IntStream.rangeClosed(
                        index * part, Math.min((index + 1) * part - 1, lastBytes))))
            .flatMap(List::stream)
            .toList();
    return Outcome.of(
        failures.isEmpty(),
        failures.isEmpty()
            ? "all %d sizes answered".formatted(lastBytes + 1)
            : "no answer with " + String.join(", ", failures) + " bytes");
  }
}
