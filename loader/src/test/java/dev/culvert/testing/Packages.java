// SPDX-License-Identifier: Apache-2.0
package dev.culvert.testing;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.tngtech.archunit.ArchConfiguration;
import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.PackageMatcher;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import java.net.URL;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Which package of ours knows which, read from class files: for every module's test of the
 * direction of its dependencies. A module that uses it needs ArchUnit's engine as a test dependency
 * of its own.
 */
public final class Packages {
  private final JavaClasses classes;

  private Packages(JavaClasses classes) {
    this.classes = classes;
  }

  /**
   * Reads modules, without their tests.
   *
   * @param ofEachModule a class of each; all that lies in the same folder or jar is read
   */
  public static Packages of(Class<?>... ofEachModule) {
    // Names are all that is looked at; resolving the JDK's classes would take most of the time.
    ArchConfiguration.get().setResolveMissingDependenciesFromClassPath(false);
    List<URL> homes = Stream.of(ofEachModule).map(Packages::home).distinct().toList();
    return new Packages(new ClassFileImporter().importUrls(homes));
  }

  /** Looking through the whole class path would take half a minute. */
  private static URL home(Class<?> type) {
    return type.getProtectionDomain().getCodeSource().getLocation();
  }

  /** For rules of a module's own. */
  public JavaClasses classes() {
    return classes;
  }

  /**
   * No package below this one may know another that knows it, directly or by others.
   *
   * @param root a package that was read
   */
  public void assertNoCircle(String root) {
    slices().assignedFrom(eachPackageBelow(root)).should().beFreeOfCycles().check(classes);
  }

  private static SliceAssignment eachPackageBelow(String root) {
    DescribedPredicate<JavaClass> below = resideInAPackage(root + "..");
    return new SliceAssignment() {
      @Override
      public SliceIdentifier getIdentifierOf(JavaClass type) {
        return below.test(type)
            ? SliceIdentifier.of(type.getPackageName())
            : SliceIdentifier.ignore();
      }

      @Override
      public String getDescription() {
        return "each package below " + root;
      }
    };
  }

  /**
   * Every class that was read is on one of these floors, and knows only what is on its own or on a
   * lower one.
   *
   * @param floors from the highest to the lowest: names of packages; with ".." behind it those
   *     below too. A package belongs to the first that names it.
   */
  public void assertDescends(String... floors) {
    Floors all = new Floors(Stream.of(floors).map(PackageMatcher::of).toList(), new HashMap<>());
    SortedMap<String, String> wrong = new TreeMap<>(); // by pair of packages, with an example
    for (JavaClass type : classes) {
      int floor = all.of(type);
      if (floor == all.matchers().size()) {
        wrong.put(type.getPackageName() + " is on no floor", type.getSimpleName());
      }
      for (Dependency dependency : type.getDirectDependenciesFromSelf()) {
        JavaClass known = dependency.getTargetClass();
        if (all.of(known) < floor) {
          wrong.put(
              type.getPackageName() + " knows " + known.getPackageName(),
              dependency.getDescription());
        }
      }
    }
    assertEquals(Map.of(), wrong, "what knows a higher floor, or stands on none");
  }

  private record Floors(List<PackageMatcher> matchers, Map<String, Integer> known) {
    /** Counted from 0; what is on none, a library's for example, is below all. */
    int of(JavaClass type) {
      return known.computeIfAbsent(type.getPackageName(), this::find);
    }

    private int find(String name) {
      return IntStream.range(0, matchers.size())
          .filter(i -> matchers.get(i).matches(name))
          .findFirst()
          .orElse(matchers.size());
    }
  }
}
