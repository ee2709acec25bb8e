// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.cli;

import dev.culvert.agent.UserException;
import dev.culvert.lab.Drawing;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Matrix;
import dev.culvert.lab.Outcome;
import dev.culvert.lab.Progress;
import dev.culvert.lab.Report;
import dev.culvert.lab.Topology;
import dev.culvert.lab.datapath.LabDatapath;
import dev.culvert.lab.scenario.Scenario;
import dev.culvert.lab.scenario.Stage;
import dev.culvert.measure.Contestant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** "lab run": walks the scenarios, then the matrix and the side by side. */
final class LabRun {
  /** The parts after the scenarios, as they are named on the command line. */
  static final String MATRIX = "matrix";

  static final String COMPARE = "compare";

  private final Stage stage;
  private final Report report;
  private final Progress progress;

  LabRun(Stage stage) {
    this.stage = stage;
    this.report = stage.report();
    this.progress = report.progress();
  }

  static List<String> parts() {
    return Stream.concat(Scenario.all().stream().map(Scenario::id), Stream.of(MATRIX, COMPARE))
        .toList();
  }

  /** Takes the parts that are wanted, in their order. */
  void run(List<String> wanted) {
    Drawing.of(stage.plan(LabPlan.Underlay.ROUTED)).forEach(progress::line);
    for (Scenario scenario : Scenario.all()) {
      if (wanted.contains(scenario.id()) && !stage.lab().isOver()) {
        report.section(scenario.id(), scenario.title());
        guarded("the scenario", () -> scenario.run(stage));
      }
    }
    if (wanted.contains(MATRIX)) {
      report.section(MATRIX, "Who reaches whom");
      guarded("the matrix", this::matrix);
    }
    if (wanted.contains(COMPARE)) {
      report.section(COMPARE, "Side by side, in turns");
      guarded("the comparison", this::compare);
    }
    progress.line("");
  }

  /** What could not even be set up is a failed step: the rest is still walked. */
  private void guarded(String what, Runnable work) {
    try {
      work.run();
    } catch (UserException e) {
      if (!stage.lab().isOver()) {
        report.step("Set up " + what, "it is set up", () -> Outcome.of(false, e.getMessage()));
      }
    }
  }

  private void matrix() {
    List<LabPlan.Container> containers = stage.topology().plan().containerList();
    report.step(
        "Every container pings every container (row to column)",
        "an answer everywhere",
        () -> {
          Matrix.Seen seen = new Matrix(stage.shell()).all(containers);
          report.put(MATRIX, seen.reached());
          return Outcome.of(
                  seen.complete(), seen.complete() ? "an answer everywhere" : "gaps, see below")
              .with(seen.table());
        });
  }

  private void compare() {
    LabDatapath overlay = stage.overlay();
    List<Contestant> contestants = new ArrayList<>();
    List<Topology> own = new ArrayList<>();
    List<LabDatapath> running = new ArrayList<>();
    try {
      for (LabDatapath.Kind kind :
          List.of(
              LabDatapath.Kind.ROUTES, LabDatapath.Kind.KERNEL_VXLAN, LabDatapath.Kind.USERSPACE)) {
        if (kind != stage.kind()) {
          Topology topology = peer(kind, running);
          own.add(topology);
          contestants.add(contestant(kind.toString(), topology.plan()));
        }
      }
      contestants.add(contestant(overlay.name(), stage.topology().plan()));
      report.step(
          Measurements.TITLE,
          "every measurement ends; the figures are for information",
          () -> {
            Measurements measurements = Measurements.take(stage.lab(), progress, contestants);
            report.put(COMPARE, measurements.json());
            return Outcome.of(true, "on this machine, processes pinned, offloads on")
                .with(measurements.table());
          });
    } finally {
      running.forEach(LabDatapath::close);
      own.forEach(Topology::close);
    }
  }

  /** A small lab of its own beside the main one: same addresses, other namespaces. */
  private Topology peer(LabDatapath.Kind kind, List<LabDatapath> running) {
    LabPlan plan = new LabPlan(LabPlan.PREFIX + "x-" + kind + "-", 2, 2, LabPlan.Underlay.ROUTED);
    Topology topology = stage.lab().build(plan);
    LabDatapath datapath = kind.over(stage.lab(), topology);
    running.add(datapath);
    datapath.up();
    return topology;
  }

  private static Contestant contestant(String name, LabPlan plan) {
    return new Contestant(name, Stage.talker(plan), Stage.listener(plan));
  }
}
