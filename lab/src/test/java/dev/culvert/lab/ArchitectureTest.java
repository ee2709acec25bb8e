// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import dev.culvert.lab.cli.Main;
import dev.culvert.testing.Packages;
import dev.culvert.testing.Signatures;
import org.junit.jupiter.api.Test;

/** The lab in one direction; what it takes of the agent and the loader, their own tests hold. */
class ArchitectureTest {
  private final Packages packages = Packages.of(Main.class);

  @Test
  void itsPackagesKnowOneAnotherInOneDirection() {
    packages.assertNoCircle("dev.culvert");
    packages.assertDescends(
        "dev.culvert.lab.cli",
        "dev.culvert.lab.scenario",
        "dev.culvert.lab.datapath",
        "dev.culvert.measure",
        "dev.culvert.lab");
  }

  @Test
  void signaturesAreShort() {
    Signatures.assertShort(packages.classes());
  }

  @Test
  void nobodyButMainEndsTheJvm() {
    noClasses()
        .that()
        .doNotBelongToAnyOf(Main.class)
        .should()
        .callMethod(System.class, "exit", int.class)
        .orShould()
        .callMethod(Runtime.class, "exit", int.class)
        .orShould()
        .callMethod(Runtime.class, "halt", int.class)
        .check(packages.classes());
  }
}
