// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.scenario;

import dev.culvert.lab.Command;
import dev.culvert.lab.Datagrams;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Outcome;
import dev.culvert.lab.Probes;
import dev.culvert.lab.Topology;
import dev.culvert.lab.Transfer;
import dev.culvert.lab.datapath.LabDatapath;
import java.util.List;

/** The containers' IPv6 addresses, over an underlay of either family. */
final class Ipv6Inside {
  private static final long TCP_BYTES = 128 << 20;

  /** IPv6 40, UDP 8. */
  private static final int UDP_HEADERS_BYTES = 48;

  private final Stage stage;
  private final LabDatapath datapath;
  private final LabPlan plan;
  private final LabPlan.Container from;
  private final LabPlan.Container to;

  Ipv6Inside(Stage stage, LabDatapath datapath, LabPlan plan) {
    this.stage = stage;
    this.datapath = datapath;
    this.plan = plan;
    this.from = Stage.talker(plan).overIpv6();
    this.to = Stage.listener(plan).overIpv6();
  }

  void steps() {
    ping();
    new WireCheck(stage, datapath, from, to).run();
    datagrams();
    tcp();
    neighbours();
  }

  private void ping() {
    stage
        .report()
        .step(
            "%s %s pings %s %s".formatted(from.name(), from.address(), to.name(), to.address()),
            "every answer; the router has no route to " + LabPlan.NETWORK6,
            () -> {
              var ping = Probes.ping(stage.shell(), from.namespace(), to.address(), 3);
              String routes =
                  stage.shell().output(Command.of("ip", "-6", "route").in(plan.routerNamespace()));
              boolean knows = routes.contains("fd00:10:244");
              return Outcome.of(
                  ping.all() && !knows,
                  ping.text() + (knows ? "; the router KNOWS the overlay" : "; no such route"));
            });
  }

  private void datagrams() {
    int largest = datapath.containerMtuBytes() - UDP_HEADERS_BYTES;
    List<Integer> sizes = List.of(1, 100, 1000, largest - 1, largest, largest + 1, 9000, 60_000);
    stage
        .report()
        .step(
            "UDP over IPv6 of %d sizes, around the MTU (%d) and far beyond"
                .formatted(sizes.size(), datapath.containerMtuBytes()),
            "every datagram comes back unchanged",
            () -> {
              List<String> failures = Datagrams.echo(from, to, sizes);
              return Outcome.of(
                      failures.isEmpty(),
                      failures.isEmpty() ? "all came back unchanged" : "not all sizes")
                  .with(failures);
            });
  }

  private void tcp() {
    stage
        .report()
        .step(
            "TCP over IPv6, 128 MiB from %s to %s".formatted(from.name(), to.name()),
            "the same hash on both sides",
            () -> {
              Transfer.Sums sums = Transfer.run(from, to, TCP_BYTES);
              return Outcome.of(
                  sums.intact(),
                  "%s, in %.1f s".formatted(sums.intact() ? "intact" : "CHANGED", sums.seconds()));
            });
  }

  private void neighbours() {
    String gateway = from.host().subnetGateway6();
    stage
        .report()
        .step(
            "%s forgets its gateway %s and asks for it".formatted(from.name(), gateway),
            "the host answers the neighbour solicitation",
            () -> {
              stage
                  .shell()
                  .check(
                      Command.of("ip", "-6", "neigh", "del", gateway, "dev", Topology.DEVICE)
                          .in(from.namespace()));
              var ping = Probes.ping(stage.shell(), from.namespace(), to.address(), 2);
              String found =
                  stage
                      .shell()
                      .output(
                          Command.of("ip", "-6", "neigh", "show", gateway).in(from.namespace()));
              return Outcome.of(ping.all() && found.contains("lladdr"), found.strip());
            });
  }
}
