// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.scenario;

import dev.culvert.lab.AgentProcess;
import dev.culvert.lab.LabException;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Matrix;
import dev.culvert.lab.Outcome;
import dev.culvert.lab.Patience;
import dev.culvert.lab.Report;
import dev.culvert.lab.Topology;
import dev.culvert.lab.datapath.CulvertDatapath;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** A third host joins the running lab through the shared lease directory, and leaves again. */
final class Scenario5HostsComeAndGo implements Scenario {
  private static final Duration SPREAD = Duration.ofSeconds(5);

  @Override
  public String id() {
    return "5";
  }

  @Override
  public String title() {
    return "Hosts come and go, their subnets leased from a shared store";
  }

  @Override
  public void run(Stage stage) {
    if (!(stage.overlay() instanceof CulvertDatapath culvert)) {
      stage
          .report()
          .note("not walked: only Culvert's agents lease subnets (--datapath ebpf or userspace)");
      return;
    }
    Topology topology = stage.topology();
    LabPlan plan = topology.plan();
    LabPlan.Host host = plan.host(plan.hosts() + 1);
    LabPlan.Container guest = plan.container(plan.containers() + 1, host, 0);
    List<Long> before = pids(culvert);
    stage.lab().state().claimNamespaces(List.of(host.namespace(), guest.namespace()));
    topology.join(host, List.of(guest));
    Visitor visitor = new Visitor(stage, culvert, guest);
    visitor.join();
    visitor.isReached(plan.containerList());
    nobodyRestarted(stage.report(), culvert, before, "since before it joined");
    visitor.leave();
    topology.leave(host, List.of(guest));
  }

  private static List<Long> pids(CulvertDatapath culvert) {
    return culvert.agents().stream().filter(AgentProcess::alive).map(AgentProcess::pid).toList();
  }

  private static void nobodyRestarted(
      Report report, CulvertDatapath culvert, List<Long> before, String when) {
    report.step(
        "The other agents",
        "the same processes " + when,
        () ->
            Outcome.of(
                pids(culvert).equals(before), "were %s, are %s".formatted(before, pids(culvert))));
  }

  /** The host that comes and goes. */
  private static final class Visitor {
    private final Stage stage;
    private final CulvertDatapath culvert;
    private final LabPlan.Container guest;
    private AgentProcess agent;
    private String subnet = "";
    private String address = "";

    Visitor(Stage stage, CulvertDatapath culvert, LabPlan.Container guest) {
      this.stage = stage;
      this.culvert = culvert;
      this.guest = guest;
    }

    void join() {
      stage
          .report()
          .step(
              guest.host().name() + " joins the running lab, and asks for no subnet in particular",
              "it leases a subnet that nobody else has",
              () -> {
                agent =
                    AgentProcess.start(
                        stage.lab(),
                        guest.host(),
                        CulvertDatapath.settings(stage.topology().plan()));
                agent.awaitReady();
                subnet = leasedBy(agent);
                List<String> others = culvert.agents().stream().map(Visitor::leasedBy).toList();
                attach();
                return Outcome.of(
                    !others.contains(subnet),
                    "it has %s, the others %s; %s got %s"
                        .formatted(subnet, String.join(", ", others), guest.name(), address));
              });
    }

    private void attach() {
      Map<String, Object> answer =
          agent.ask(
              Map.of(
                  "request",
                  "attach",
                  "netns",
                  "/run/netns/" + guest.namespace(),
                  "interface",
                  Topology.DEVICE));
      if (!(answer.get("endpoint") instanceof Map<?, ?> endpoint)) {
        throw new LabException("The agent's answer names no endpoint: " + answer + ".");
      }
      address = String.valueOf(endpoint.get("address"));
    }

    private static String leasedBy(AgentProcess agent) {
      Map<String, Object> status = agent.ask(Map.of("request", "status"));
      return status.get("lease") instanceof Map<?, ?> lease
          ? String.valueOf(lease.get("subnet"))
          : "none";
    }

    void isReached(List<LabPlan.Container> others) {
      stage
          .report()
          .step(
              "Every other container pings " + guest.name(),
              "all of them reach it",
              () -> {
                Matrix matrix = new Matrix(stage.shell());
                List<String> missing =
                    Patience.holdsWithin(SPREAD, () -> matrix.failing(others, address).isEmpty())
                        ? List.of()
                        : matrix.failing(others, address);
                return Outcome.of(
                    missing.isEmpty(),
                    missing.isEmpty()
                        ? "all %d reach it".formatted(others.size())
                        : "NOT " + String.join(", ", missing));
              });
    }

    void leave() {
      stage
          .report()
          .step(
              guest.host().name() + " leaves",
              "its lease is given back; the other hosts forget its subnet",
              () -> {
                agent.close();
                boolean forgotten =
                    Patience.holdsWithin(
                        SPREAD,
                        () -> culvert.agents().stream().noneMatch(other -> knows(other, subnet)));
                return Outcome.of(
                    forgotten && !agent.alive(),
                    forgotten ? "no other host knows it" : "its subnet is STILL known");
              });
    }

    /** As the kernel's maps of that host have it. */
    private boolean knows(AgentProcess other, String subnet) {
      return stage
          .shell()
          .output(
              dev.culvert.lab.Command.of(
                  AgentProcess.culvert("subnets", "--host", other.host().name(), "--json")))
          .contains('"' + subnet + '"');
    }
  }
}
