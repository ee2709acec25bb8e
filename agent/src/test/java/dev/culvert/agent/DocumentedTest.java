// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whatever others see of the modules that are for embedding is explained. The compiler sees to it
 * (doclint), in the packages that the modules' poms list: those must be all that are exported.
 */
final class DocumentedTest {
  private static final Pattern EXPORTED = Pattern.compile("(?m)^\\s*exports ([\\w.]+);");
  private static final Pattern CHECKED =
      Pattern.compile("<doclint.packages>([\\w.,]+)</doclint.packages>");

  @ParameterizedTest
  @ValueSource(strings = {"loader", "control"})
  void theCompilerChecksEveryExportedPackage(String module) throws Exception {
    Path folder = Path.of("..", module);
    Set<String> exported =
        all(EXPORTED, Files.readString(folder.resolve("src/main/java/module-info.java")));
    assertFalse(exported.isEmpty());
    String checked =
        CHECKED
            .matcher(Files.readString(folder.resolve("pom.xml")))
            .results()
            .map(match -> match.group(1))
            .findFirst()
            .orElseThrow();
    assertEquals(exported, new TreeSet<>(Set.of(checked.split(","))));
  }

  private static Set<String> all(Pattern pattern, String text) {
    Set<String> found = new TreeSet<>();
    pattern.matcher(text).results().map(match -> match.group(1)).forEach(found::add);
    return found;
  }
}
