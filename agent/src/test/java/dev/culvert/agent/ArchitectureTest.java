// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import dev.culvert.agent.cli.Main;
import dev.culvert.control.Overlay;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.Libc;
import dev.culvert.testing.Packages;
import dev.culvert.testing.Signatures;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
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

  private static Packages packages;
  private static JavaClasses culvert;

  @BeforeAll
  static void read() {
    packages = Packages.of(Libc.class, Overlay.class, Main.class);
    culvert = packages.classes();
  }

  @Test
  void theRulesSeeEveryPackage() {
    for (String name : new String[] {"kernel", "datapath", "control", "agent"}) {
      assertTrue(culvert.containPackage("dev.culvert." + name), name);
    }
  }

  @Test
  void theAgentsPackagesFormNoCircle() {
    packages.assertNoCircle("dev.culvert.agent");
  }

  @Test
  void theAgentsPackagesKnowOneAnotherInOneDirection() {
    Packages.of(Main.class)
        .assertDescends(
            "dev.culvert.agent.cli",
            "dev.culvert.agent.doctor",
            "dev.culvert.agent.daemon",
            "dev.culvert.agent.cni",
            "dev.culvert.agent.socket",
            "dev.culvert.agent.output",
            "dev.culvert.agent.config",
            "dev.culvert.agent");
  }

  /**
   * Excepted are the row of a table (IpFamily), five parts that are always told together and
   * compared as one (Lease, NextHop, RemoteSubnet), and syscall(2), which takes seven.
   */
  @Test
  void signaturesAreShort() {
    Signatures.assertShort(
        culvert,
        "IpFamily",
        "Lease",
        "NextHop",
        "RemoteSubnet",
        "SystemCalls.call",
        "SystemLibc.call");
  }

  /** The tools that the lab measures with are named nowhere, neither in code nor in resources. */
  @Test
  void theAgentHoldsNothingOfTheLab() throws Exception {
    Path classes = Path.of(Main.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    try (Stream<Path> files = Files.walk(classes)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        String name = classes.relativize(file).toString();
        assertTrue(name.startsWith("dev/culvert/agent/") || name.startsWith("META-INF/"), name);
        assertFalse(name.startsWith("dev/culvert/agent/lab"), name);
        String bytes = Files.readString(file, StandardCharsets.ISO_8859_1);
        assertFalse(bytes.contains("iperf") || bytes.contains("sockperf"), name);
      }
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
