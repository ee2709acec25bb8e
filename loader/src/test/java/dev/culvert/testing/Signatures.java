// SPDX-License-Identifier: Apache-2.0
package dev.culvert.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaConstructor;
import com.tngtech.archunit.core.domain.JavaModifier;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Nobody has to count arguments: a signature has at most four parameters. What needs more takes a
 * record; a record may have more components where one class alone puts it together, such as the one
 * that reads it from the kernel, or its own builder. Everybody else then sees names.
 */
public final class Signatures {
  private static final int MOST = 4;

  /** What the compiler hands to an enum's constructor besides: name and number. */
  private static final int OF_EACH_ENUM = 2;

  private Signatures() {}

  /**
   * Holds the rule.
   *
   * @param exceptions names as the failure gives them; one that is none any more fails too
   */
  public static void assertShort(JavaClasses classes, String... exceptions) {
    SortedMap<String, String> tooLong = new TreeMap<>();
    for (JavaClass type : classes) {
      for (JavaCodeUnit unit : type.getCodeUnits()) {
        if (parameters(unit) > MOST && isWritten(unit) && !isOfOneHand(unit)) {
          tooLong.put(name(unit), parameters(unit) + " parameters" + makers(unit));
        }
      }
    }
    for (String exception : exceptions) {
      assertEquals(true, tooLong.remove(exception) != null, exception + " is no exception");
    }
    assertEquals(Map.of(), tooLong, "signatures with more than four parameters");
  }

  private static String name(JavaCodeUnit unit) {
    String type = unit.getOwner().getName().replaceFirst(".*\\.", "").replace('$', '.');
    return unit instanceof JavaConstructor ? type : type + "." + unit.getName();
  }

  private static int parameters(JavaCodeUnit unit) {
    int all = unit.getRawParameterTypes().size();
    boolean ofEnum = unit instanceof JavaConstructor && unit.getOwner().isEnum();
    return ofEnum ? all - OF_EACH_ENUM : all;
  }

  /** By a person, and not by javac (lambdas, patterns) or JMH. */
  private static boolean isWritten(JavaCodeUnit unit) {
    return !unit.getName().contains("$")
        && !unit.getOwner().getPackageName().contains("jmh_generated");
  }

  private static boolean isOfOneHand(JavaCodeUnit unit) {
    return isCanonical(unit) && makers(unit).size() <= 1;
  }

  private static boolean isCanonical(JavaCodeUnit unit) {
    return unit instanceof JavaConstructor
        && unit.getOwner().isRecord()
        && parameters(unit)
            == unit.getOwner().getFields().stream()
                .filter(field -> !field.getModifiers().contains(JavaModifier.STATIC))
                .count();
  }

  /** The files, by their first classes, that call it; its own is not among them. */
  private static Set<String> makers(JavaCodeUnit unit) {
    return unit.getAccessesToSelf().stream()
        .map(access -> file(access.getOriginOwner()))
        .filter(file -> !file.equals(file(unit.getOwner())))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static String file(JavaClass type) {
    return type.getName().replaceFirst("\\$.*", "").replaceFirst(".*\\.", "");
  }
}
