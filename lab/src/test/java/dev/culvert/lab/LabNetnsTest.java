// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.lab.LabPlan.Underlay;
import dev.culvert.lab.datapath.ContainerLinks;
import dev.culvert.lab.datapath.KernelVxlanDatapath;
import dev.culvert.lab.datapath.LabDatapath;
import dev.culvert.lab.datapath.RoutesDatapath;
import dev.culvert.lab.scenario.Stage;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Labs of the peers' kinds, in namespaces of the test's own. Needs root, as its tier does. */
@Tag("netns")
class LabNetnsTest {
  private static final String PREFIX = "cv-labtest-";

  @TempDir private Path temporary;

  private final Shell shell = new Shell();

  @AfterEach
  void closeShell() {
    shell.close();
  }

  @ParameterizedTest
  @EnumSource
  void everybodyReachesEverybodyOverTheKernelsVxlan(Underlay underlay) {
    LabPlan plan = new LabPlan(PREFIX, 3, 4, underlay);
    try (Topology topology = Topology.build(shell, plan);
        LabDatapath datapath = new KernelVxlanDatapath(topology, ContainerLinks.BRIDGE)) {
      datapath.up();
      Matrix.Seen seen = new Matrix(shell).all(plan.containerList());
      assertTrue(seen.complete(), () -> String.join("\n", seen.table()));
    }
    assertEquals(List.of(), Namespaces.startingWith(PREFIX));
  }

  @Test
  void bytesAndDatagramsArriveOverRoutes() {
    LabPlan plan = new LabPlan(PREFIX, 2, 2, Underlay.ROUTED);
    try (Topology topology = Topology.build(shell, plan);
        LabDatapath datapath = new RoutesDatapath(topology, true, ContainerLinks.VETH)) {
      datapath.up();
      LabPlan.Container from = Stage.talker(plan);
      LabPlan.Container to = Stage.listener(plan);
      assertTrue(Transfer.run(from, to, 10_000_000).intact());
      assertEquals(List.of(), Datagrams.echo(from, to, List.of(1, 1472, 1473, 60_000)));
      assertEquals(
          List.of(),
          Probes.pingSizes(
              shell, from.namespace(), to.address(), IntStream.rangeClosed(1470, 1472)));
      assertEquals(
          List.of("1473"),
          Probes.pingSizes(shell, from.namespace(), to.address(), IntStream.of(1472, 1473)));
    }
  }

  @Test
  void withoutRoutesOnTheRouterNothingArrives() {
    LabPlan plan = new LabPlan(PREFIX, 2, 2, Underlay.ROUTED);
    try (Topology topology = Topology.build(shell, plan);
        LabDatapath datapath = new RoutesDatapath(topology, false, ContainerLinks.VETH)) {
      datapath.up();
      LabPlan.Container from = Stage.talker(plan);
      Probes.Ping ping = Probes.ping(shell, from.namespace(), Stage.listener(plan).address(), 1);
      assertEquals(0, ping.received());
      LabException e =
          assertThrows(
              LabException.class, () -> Greeter.call(from, Stage.listener(plan).address(), 80));
      assertTrue(e.getMessage().startsWith("No answer from 10.244.2.2 port 80"), e.getMessage());
    }
  }

  @Test
  void whatRunsInsideEndsWithTheLab() {
    LabPlan plan = new LabPlan(PREFIX, 1, 1, Underlay.FLAT);
    Running sleeping;
    try (Topology topology = Topology.build(shell, plan)) {
      sleeping =
          shell.start(
              Command.of("sleep", "60").in(topology.plan().routerNamespace()),
              temporary.resolve("log"));
      // Until nsenter has entered, the process is still ours and outside.
      Patience.until(
          "nsenter",
          Duration.ofSeconds(5),
          () -> !Namespaces.processes(List.of(plan.routerNamespace())).isEmpty());
    }
    assertFalse(sleeping.alive());
  }
}
