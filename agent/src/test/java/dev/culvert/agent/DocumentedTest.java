// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever others see of the modules that are for embedding is explained. */
final class DocumentedTest {
  private static final Pattern EXPORTS =
      Pattern.compile("^\\s*exports ([\\w.]+);", Pattern.MULTILINE);

  @ParameterizedTest
  @ValueSource(strings = {"loader", "control"})
  void everyPublicMemberHasAComment(String module) throws Exception {
    Path sources = Path.of("..", module, "src", "main", "java");
    List<String> packages =
        EXPORTS
            .matcher(Files.readString(sources.resolve("module-info.java")))
            .results()
            .map(match -> match.group(1))
            .toList();
    assertFalse(packages.isEmpty());
    List<String> found = new ArrayList<>();
    for (String exported : packages) {
      found.addAll(Undocumented.in(sources.resolve(exported.replace('.', '/'))));
    }
    assertEquals(List.of(), found);
  }

  @Test
  void whatHasNoneIsFound(@TempDir Path folder) throws Exception {
    Files.writeString(
        folder.resolve("Some.java"),
        """
        /** A type. */
        public class Some {
          public static final int NUMBER = 1;
          protected void first() {}
          void hidden() {}
          @Override public String toString() { return ""; }
          public record Pair(int a) { public Pair { } }
          /** A choice. */
          public interface Choice { void chosen(); private void own() {} }
        }
        class Inside { public int x; }
        """);
    assertEquals(
        List.of("Some.java: NUMBER", "Some.java: first", "Some.java: Pair", "Some.java: chosen"),
        Undocumented.in(folder));
  }
}
