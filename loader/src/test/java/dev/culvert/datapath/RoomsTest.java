// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import dev.culvert.testing.Packages;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Which package may use which, and that nothing in the datapath goes round in a circle. */
class RoomsTest {
  private static final String ROOT = "dev.culvert.datapath";

  private static final String KERNEL = "dev.culvert.kernel";

  /** From the bottom up. All but the first may use what stands above them, the package itself. */
  private static final Map<String, List<String>> KERNEL_MAY_USE =
      Map.of(
          ".system", List.of(),
          "", List.of(".system"),
          ".host", List.of(".system"),
          ".socket", List.of(".system"),
          ".object", List.of(),
          ".netlink", List.of(".system", ".host"),
          ".bpf", List.of(".system", ".host", ".object", ".netlink"));

  /** From the bottom up; all may use the vocabulary, which is the package above them. */
  private static final Map<String, List<String>> MAY_USE =
      Map.of(
          "", List.of(),
          ".packet", List.of(),
          ".host", List.of(),
          ".table", List.of(".packet"),
          ".pin", List.of(".table"),
          ".ebpf", List.of(".packet", ".host", ".table", ".pin"),
          ".trace", List.of(".packet", ".host", ".table", ".pin", ".ebpf"),
          ".userspace", List.of(".packet", ".host"));

  private static Packages packages;
  private static JavaClasses loader;

  @BeforeAll
  static void read() {
    packages = Packages.of(IpFamily.class);
    loader = packages.classes();
  }

  @Test
  void everyPackageIsARoomOfItsList() {
    assertEquals(MAY_USE.keySet(), roomsBelow(ROOT));
    assertEquals(KERNEL_MAY_USE.keySet(), roomsBelow(KERNEL));
  }

  private static Set<String> roomsBelow(String root) {
    return loader.stream()
        .map(JavaClass::getPackageName)
        .filter(name -> name.startsWith(root))
        .map(name -> name.substring(root.length()))
        .collect(Collectors.toSet());
  }

  @Test
  void eachUsesTheRoomsBelowItAlone() {
    MAY_USE.forEach((room, others) -> {
      Stream<String> below = Stream.of("java..", KERNEL + "..", "io.netty..", ROOT);
      assertUsesOnly(ROOT, room, Stream.concat(below, others.stream().map(ROOT::concat)));
    });
    KERNEL_MAY_USE.forEach((room, others) -> {
      Stream<String> below =
          room.equals(".system") ? Stream.of("java..") : Stream.of("java..", KERNEL);
      assertUsesOnly(KERNEL, room, Stream.concat(below, others.stream().map(KERNEL::concat)));
    });
  }

  private static void assertUsesOnly(String root, String room, Stream<String> allowed) {
    String[] packages = Stream.concat(Stream.of(root + room), allowed).toArray(String[]::new);
    classes()
        .that()
        .resideInAPackage(root + room)
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(packages)
        .check(loader);
  }

  @Test
  void packagesDependInNoCircle() {
    packages.assertNoCircle("dev.culvert");
  }

  @Test
  void filesOfTheDatapathDependInNoCircle() {
    long read = loader.stream().filter(type -> type.getPackageName().startsWith(ROOT)).count();
    assertTrue(read > 100, "only " + read + " classes were read");
    slices().assignedFrom(eachFile()).should().beFreeOfCycles().check(loader);
  }

  private static String file(JavaClass type) {
    return Arrays.stream(type.getName().split("\\$", 2)).findFirst().orElseThrow();
  }

  private static SliceAssignment eachFile() {
    return new SliceAssignment() {
      @Override
      public SliceIdentifier getIdentifierOf(JavaClass type) {
        return type.getPackageName().startsWith(ROOT)
            ? SliceIdentifier.of(file(type))
            : SliceIdentifier.ignore();
      }

      @Override
      public String getDescription() {
        return "each file of the datapath";
      }
    };
  }
}
