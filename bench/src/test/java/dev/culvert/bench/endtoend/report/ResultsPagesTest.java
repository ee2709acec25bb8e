// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.bench.endtoend.SampleResults;
import dev.culvert.lab.LabException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResultsPagesTest {
  @TempDir private Path folder;

  private Path add() {
    return ResultsPages.add(SampleResults.RESULTS, folder.resolve("docs/results"));
  }

  @Test
  void thePageHasTheReportsTablesAndWhatTheyCameFrom() throws IOException {
    Path page = add();
    assertEquals("2026-11-25.md", page.getFileName().toString());
    String text = Files.readString(page);
    for (String line :
        List.of(
            "| when | 2026-11-25T10:00:00Z |",
            "| command | ./culvert bench --quick |",
            "| commit | v0.1-3-g0123456789ab |",
            "| processor | 2 x Some processor |",
            "| kernel | 6.18 |",
            "| busy with other programs just before | 50 % |",
            "| TCP, 1 stream | 2.00 (2.00 to 2.00) better | 1.00 (1.00 to 1.00) no winner | 1.89 (1.28 to 1.93) better |")) {
      assertTrue(text.lines().anyMatch(line::equals), () -> line + " is not in\n" + text);
    }
    Path report = Reports.write(SampleResults.RESULTS, folder).get(1);
    assertEquals(Files.readString(report), text);
  }

  /** "./dev check" holds every page to it; the sample has a failure whose sentence is longer. */
  @Test
  void proseIsAsNarrowAsThatOfOtherPages() throws IOException {
    List<String> lines = Files.readAllLines(add());
    lines.stream()
        .filter(line -> !line.startsWith("|") && !line.startsWith("#"))
        .forEach(line -> assertTrue(line.length() <= 120, line));
    int failure = lines.indexOf("- wire: same fell.") + 1;
    assertTrue(lines.get(failure).startsWith("- wire: it fell again"), lines.get(failure));
    assertTrue(lines.get(failure + 1).startsWith("  "), lines.get(failure + 1));
    assertTrue(lines.getLast().endsWith("again, it did."), lines.getLast());
    lines.forEach(line -> assertEquals(line.stripTrailing(), line));
  }

  @Test
  void noOtherPageIsWrittenOver() throws IOException {
    Path first = add();
    Files.writeString(first, "by hand");
    assertEquals("2026-11-25-2.md", add().getFileName().toString());
    assertEquals("2026-11-25-3.md", add().getFileName().toString());
    assertEquals("by hand", Files.readString(first));
  }

  @Test
  void aFolderThatCannotBeIsNamed() throws IOException {
    Path file = Files.createFile(folder.resolve("file"));
    String said =
        assertThrows(LabException.class, () -> ResultsPages.add(SampleResults.RESULTS, file))
            .getMessage();
    assertTrue(said.startsWith("Cannot write a page into " + file), said);
  }
}
