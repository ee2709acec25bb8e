// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.scenario;

import dev.culvert.lab.Lab;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Report;
import dev.culvert.lab.Shell;
import dev.culvert.lab.Topology;
import dev.culvert.lab.datapath.LabDatapath;
import java.util.function.Consumer;

/**
 * What a scenario works with. The overlay lab is built when first asked for, and serves every
 * scenario that comes after; other labs are a scenario's own, and have the same names: they must be
 * gone before.
 */
public final class Stage {
  private final Lab lab;
  private final Report report;
  private final LabDatapath.Kind kind;
  private final LabPlan plan;
  private Topology topology;
  private LabDatapath datapath;

  /**
   * @param kind of the overlay
   * @param plan of the overlay lab
   */
  public Stage(Lab lab, Report report, LabDatapath.Kind kind, LabPlan plan) {
    this.lab = lab;
    this.report = report;
    this.kind = kind;
    this.plan = plan;
  }

  public Lab lab() {
    return lab;
  }

  public Report report() {
    return report;
  }

  public Shell shell() {
    return lab.shell();
  }

  public LabDatapath.Kind kind() {
    return kind;
  }

  public LabPlan.Family family() {
    return plan.family();
  }

  /** As large as the overlay lab, with IPv4 alone. */
  public LabPlan plan(LabPlan.Underlay underlay) {
    return new LabPlan(plan.prefix(), plan.hosts(), plan.containers(), underlay).with(plan.store());
  }

  public LabPlan.Store store() {
    return plan.store();
  }

  /** The topology with the overlay on it. */
  public Topology topology() {
    overlay();
    return topology;
  }

  /** The overlay, up. */
  public LabDatapath overlay() {
    if (datapath == null) {
      report.progress().now("building the lab with " + kind);
      topology = lab.build(plan);
      datapath = kind.over(lab, topology);
      datapath.up();
    }
    return datapath;
  }

  /**
   * Builds a lab of a scenario's own with the overlay on it, up, and takes both down when the steps
   * have been taken.
   */
  void inLabOfItsOwn(LabPlan own, Consumer<LabDatapath> steps) {
    try (Topology built = lab.build(own);
        LabDatapath overlay = kind.over(lab, built)) {
      overlay.up();
      steps.accept(overlay);
    }
  }

  /** The container that talks: the last one of host-01, container-3 of the scenarios. */
  public static LabPlan.Container talker(LabPlan plan) {
    return plan.containersOf(plan.host(1)).getLast();
  }

  /** The container that is talked to: the last one of host-02, container-6 of the scenarios. */
  public static LabPlan.Container listener(LabPlan plan) {
    return plan.containersOf(plan.host(2)).getLast();
  }
}
