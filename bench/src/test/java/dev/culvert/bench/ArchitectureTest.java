// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench;

import dev.culvert.agent.cli.Program;
import dev.culvert.bench.endtoend.Main;
import dev.culvert.control.Overlay;
import dev.culvert.kernel.Libc;
import dev.culvert.lab.Lab;
import dev.culvert.testing.Packages;
import dev.culvert.testing.Signatures;
import org.junit.jupiter.api.Test;

/** The whole tree in one direction: bench, lab, agent, control, loader. */
class ArchitectureTest {
  @Test
  void theModulesKnowOneAnotherInOneDirection() {
    Packages.of(Lab.class, Program.class, Overlay.class, Libc.class)
        .assertDescends(
            "dev.culvert.[lab|measure]..",
            "dev.culvert.agent..",
            "dev.culvert.control..",
            "dev.culvert.datapath..",
            "dev.culvert.kernel..");
  }

  @Test
  void signaturesAreShort() {
    Signatures.assertShort(Packages.of(Main.class).classes());
  }

  /** Some of ours are in packages of other modules, whose inner parts they measure. */
  @Test
  void theBenchmarksKnowOneAnotherInOneDirection() {
    Packages bench = Packages.of(Main.class);
    bench.assertNoCircle("dev.culvert");
    bench.assertDescends(
        "dev.culvert.bench.programs",
        "dev.culvert.bench.store",
        "dev.culvert.bench.endtoend",
        "dev.culvert.bench.endtoend.report",
        "dev.culvert.bench.endtoend.result",
        "dev.culvert.bench.endtoend.peer",
        "dev.culvert.[control|datapath]..",
        "dev.culvert.bench..");
  }
}
