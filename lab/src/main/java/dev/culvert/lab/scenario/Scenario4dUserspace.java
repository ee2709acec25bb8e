// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.scenario;

import dev.culvert.lab.Datagrams;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Outcome;
import dev.culvert.lab.Probes;
import dev.culvert.lab.Report;
import dev.culvert.lab.Topology;
import dev.culvert.lab.Transfer;
import dev.culvert.lab.datapath.CulvertDatapath;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A host without eBPF, whose agent carries the packets itself, and one with it in one overlay. */
final class Scenario4dUserspace implements Scenario {
  private static final long MEBIBYTE = 1L << 20;
  private static final long INTACT_BYTES = 64 * MEBIBYTE;
  private static final long TIMED_BYTES = 48 * MEBIBYTE;
  private static final int TURNS = 2;

  /** Below, at and above the MTU (1450, less 28 bytes of headers), and as large as can be. */
  private static final List<Integer> SIZES = List.of(1, 512, 1421, 1422, 1423, 9000, 60_000);

  @Override
  public String id() {
    return "4d";
  }

  @Override
  public String title() {
    return "One host without eBPF: its agent carries the packets, by TUN and UDP";
  }

  @Override
  public void run(Stage stage) {
    LabPlan plan =
        new LabPlan(LabPlan.PREFIX + "x-mixed-", 2, 2, LabPlan.Underlay.ROUTED)
            .with(stage.family())
            .with(stage.store());
    try (Topology topology = stage.lab().build(plan);
        CulvertDatapath mixed =
            new CulvertDatapath(
                stage.lab(),
                topology,
                host -> Map.of("datapath", host.number() == 1 ? "userspace" : "ebpf"))) {
      mixed.up();
      LabPlan.Container userspace = plan.containerList().getFirst();
      LabPlan.Container ebpf = plan.containerList().getLast();
      reach(stage, userspace, ebpf);
      intact(stage.report(), userspace, ebpf);
      saving(stage, userspace, ebpf);
    }
  }

  private static void reach(Stage stage, LabPlan.Container userspace, LabPlan.Container ebpf) {
    stage
        .report()
        .step(
            "%s on the host without eBPF and %s on the other ping each other"
                .formatted(userspace.name(), ebpf.name()),
            "every answer",
            () -> {
              var there = Probes.ping(stage.shell(), userspace.namespace(), ebpf.address(), 3);
              var back = Probes.ping(stage.shell(), ebpf.namespace(), userspace.address(), 3);
              return Outcome.of(there.all() && back.all(), there.text() + " and " + back.text());
            });
  }

  private static void intact(Report report, LabPlan.Container userspace, LabPlan.Container ebpf) {
    report.step(
        "UDP from 1 to 60000 bytes between them, in fragments where it is larger than the MTU",
        "every datagram comes back unchanged",
        () -> {
          List<String> failures = new ArrayList<>(Datagrams.echo(userspace, ebpf, SIZES));
          failures.addAll(Datagrams.echo(ebpf, userspace, SIZES));
          return Outcome.of(
                  failures.isEmpty(), failures.isEmpty() ? "all came back" : "not all sizes")
              .with(failures);
        });
    report.step(
        "TCP, %d MiB each way".formatted(INTACT_BYTES / MEBIBYTE),
        "the same hash on both sides",
        () -> {
          Transfer.Sums there = Transfer.run(userspace, ebpf, INTACT_BYTES);
          Transfer.Sums back = Transfer.run(ebpf, userspace, INTACT_BYTES);
          return Outcome.of(
              there.intact() && back.intact(),
              "%s there, %s back"
                  .formatted(
                      there.intact() ? "intact" : "CHANGED", back.intact() ? "intact" : "CHANGED"));
        });
  }

  /** Both in turns, so that whatever else the machine does hits both alike. */
  private static void saving(Stage stage, LabPlan.Container userspace, LabPlan.Container ebpf) {
    LabPlan plan = stage.topology().plan();
    stage
        .report()
        .step(
            "TCP from the host without eBPF, and over %s in turns".formatted(stage.kind()),
            "both end; the figures show what eBPF saves",
            () -> {
              List<Double> slow = new ArrayList<>();
              List<Double> fast = new ArrayList<>();
              for (int turn = 0; turn < TURNS; turn++) {
                slow.add(rate(userspace, ebpf));
                fast.add(rate(Stage.talker(plan), Stage.listener(plan)));
              }
              double slowest = median(slow);
              double fastest = median(fast);
              return Outcome.of(
                  slowest > 0 && fastest > 0,
                  "%.1f Gbit/s by the agent, %.1f Gbit/s over %s: %.1f times"
                      .formatted(slowest, fastest, stage.kind(), fastest / slowest));
            });
  }

  private static double rate(LabPlan.Container from, LabPlan.Container to) {
    return Transfer.run(from, to, TIMED_BYTES).gigabitsPerSecond();
  }

  private static double median(List<Double> values) {
    return values.stream().sorted().skip(values.size() / 2).findFirst().orElse(0.0);
  }
}
