// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.cli;

import dev.culvert.lab.Drawing;
import dev.culvert.lab.Lab;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.LabState;
import dev.culvert.lab.Progress;
import dev.culvert.lab.Topology;
import dev.culvert.lab.datapath.CulvertDatapath;
import dev.culvert.lab.datapath.LabDatapath;
import dev.culvert.lab.scenario.Stage;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Builds a lab that stays. */
@Command(name = "up", description = "Build a lab that stays until \"lab down\".")
public final class LabUpCommand implements Runnable {
  @Mixin private LabOptions options;

  @Option(
      names = "--underlay",
      paramLabel = "KIND",
      defaultValue = "routed",
      description =
          "How the hosts are joined: routed (each in a network of its own, a router between) or flat"
              + " (all in one network) (default: ${DEFAULT-VALUE}).")
  private LabPlan.Underlay underlay;

  @Spec private CommandSpec spec;

  @Override
  public void run() {
    LabCommand.requireRoot();
    options.require();
    LabPlan plan = options.plan(underlay);
    Progress progress = new Progress(spec.commandLine().getOut());
    try (Lab lab = Lab.begin(LabState.Purpose.UP, progress)) {
      progress.now("building namespaces");
      Topology topology = lab.build(plan);
      LabDatapath datapath = options.kind().over(lab, topology);
      progress.now("starting " + datapath.name());
      datapath.up();
      if (datapath instanceof CulvertDatapath culvert) {
        culvert.detach();
      }
      lab.keep();
      Drawing.of(plan).forEach(progress::line);
      hints(plan, progress);
    }
  }

  private void hints(LabPlan plan, Progress progress) {
    progress.line("");
    progress.line(
        "The lab is up (%s, %.1f s). Try:".formatted(options.kind(), progress.elapsedSeconds()));
    if (plan.hosts() > 1 && plan.containers() >= plan.hosts()) {
      LabPlan.Container from = Stage.talker(plan);
      progress.line(
          "  ip netns exec %s ping -c3 %s"
              .formatted(from.namespace(), Stage.listener(plan).address()));
      Stage.listener(plan)
          .address6()
          .ifPresent(address ->
              progress.line("  ip netns exec %s ping -c3 %s".formatted(from.namespace(), address)));
      progress.line("  ./culvert lab exec router -- tcpdump -ni %s".formatted(plan.host(1).name()));
    }
    if (options.kind() == LabDatapath.Kind.EBPF || options.kind() == LabDatapath.Kind.USERSPACE) {
      progress.line("  ./culvert subnets --host " + plan.host(1).name());
    }
    progress.line("  ./culvert lab down");
  }
}
