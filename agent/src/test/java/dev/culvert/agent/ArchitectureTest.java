// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.ArchConfiguration;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import dev.culvert.control.Overlay;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.Libc;
import java.net.InetAddress;
import java.net.URL;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * One direction: agent -> control -> datapath -> kernel. The modules' build files hold the rest.
 */
class ArchitectureTest {
  private static final String KERNEL = "dev.culvert.kernel..";
  private static final String DATAPATH = "dev.culvert.datapath..";
  private static final String CONTROL = "dev.culvert.control..";
  private static final String AGENT = "dev.culvert.agent..";

  private static JavaClasses culvert;

  @BeforeAll
  static void read() {
    // Names are all that the rules look at; resolving the JDK's classes would take most of the
    // time.
    ArchConfiguration.get().setResolveMissingDependenciesFromClassPath(false);
    culvert =
        new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importUrls(List.of(home(Libc.class), home(Overlay.class), home(Main.class)));
  }

  /** Where a module's classes lie: looking through the whole class path takes half a minute. */
  private static URL home(Class<?> type) {
    return type.getProtectionDomain().getCodeSource().getLocation();
  }

  @Test
  void theRulesSeeEveryPackage() {
    for (String name : new String[] {"kernel", "datapath", "control", "agent"}) {
      assertTrue(culvert.containPackage("dev.culvert." + name), name);
    }
  }

  @Test
  void kernelKnowsLinuxAndNotOurObject() {
    noClasses()
        .that()
        .resideInAPackage(KERNEL)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(DATAPATH, CONTROL, AGENT)
        .check(culvert);
  }

  @Test
  void datapathKnowsNothingOfControl() {
    noClasses()
        .that()
        .resideInAPackage(DATAPATH)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(CONTROL, AGENT)
        .check(culvert);
  }

  @Test
  void controlKnowsNothingOfTheAgent() {
    noClasses()
        .that()
        .resideInAPackage(CONTROL)
        .should()
        .dependOnClassesThat()
        .resideInAPackage(AGENT)
        .check(culvert);
  }

  @Test
  void whatIsForEmbeddingNeedsNoThirdParty() {
    classes()
        .that()
        .resideInAnyPackage(KERNEL, DATAPATH, CONTROL)
        .and()
        .doNotHaveFullyQualifiedName("dev.culvert.datapath.userspace.Buffers")
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage("java..", "javax..", KERNEL, DATAPATH, CONTROL)
        .check(culvert);
  }

  @Test
  void onlyTheUserspaceDatapathsBuffersNeedNetty() {
    noClasses()
        .that()
        .doNotHaveFullyQualifiedName("dev.culvert.datapath.userspace.Buffers")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("io.netty..")
        .check(culvert);
  }

  @Test
  void nobodyButMainEndsTheJvm() {
    noClasses()
        .that()
        .doNotBelongToAnyOf(Main.class)
        .and()
        .doNotHaveFullyQualifiedName("dev.culvert.agent.daemon.LastResort")
        .should()
        .callMethod(System.class, "exit", int.class)
        .orShould()
        .callMethod(Runtime.class, "exit", int.class)
        .orShould()
        .callMethod(Runtime.class, "halt", int.class)
        .check(culvert);
  }

  @Test
  void onlySystemLibcHoldsTheLinker() {
    noClasses()
        .that()
        .doNotHaveFullyQualifiedName("dev.culvert.kernel.SystemLibc")
        .should()
        .dependOnClassesThat()
        .haveNameMatching("java\\.lang\\.foreign\\.Linker(\\$.*)?")
        .check(culvert);
  }

  /** Former spellings remain where files and devices of before must be found again. */
  @Test
  void addressesAreWrittenInOnePlace() {
    noClasses()
        .that()
        .doNotBelongToAnyOf(IpAddresses.class)
        .and()
        .doNotHaveFullyQualifiedName("dev.culvert.control.store.LeaseFile")
        .and()
        .haveSimpleNameNotEndingWith("ContainerInterface")
        .should()
        .callMethod(InetAddress.class, "getHostAddress")
        .check(culvert);
  }

  @Test
  void yamlIsReadInOnePlace() {
    noClasses()
        .that(JavaClass.Predicates.resideOutsideOfPackage("dev.culvert.agent.config.."))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("com.fasterxml.jackson.dataformat..", "org.yaml..")
        .check(culvert);
  }
}
