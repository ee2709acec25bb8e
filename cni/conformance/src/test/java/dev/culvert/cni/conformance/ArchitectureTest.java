// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import dev.culvert.testing.Packages;
import dev.culvert.testing.Signatures;
import org.junit.jupiter.api.Test;

/** The kit in one direction; it knows nothing of the rest of Culvert. */
class ArchitectureTest {
  private final Packages packages = Packages.of(Main.class);

  @Test
  void itsPackagesKnowOneAnotherInOneDirection() {
    packages.assertNoCircle("dev.culvert");
    packages.assertDescends(
        "dev.culvert.cni.conformance",
        "dev.culvert.cni.conformance.check",
        "dev.culvert.cni.conformance.plugin",
        "dev.culvert.cni.conformance.net",
        "dev.culvert.cni.conformance.json");
  }

  @Test
  void itKnowsNothingElseOfCulvert() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "dev.culvert.kernel..",
            "dev.culvert.datapath..",
            "dev.culvert.control..",
            "dev.culvert.store..",
            "dev.culvert.agent..")
        .check(packages.classes());
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
