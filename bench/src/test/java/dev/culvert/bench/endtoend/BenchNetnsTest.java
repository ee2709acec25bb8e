// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.culvert.agent.output.Json;
import dev.culvert.lab.LabState;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A very short run of two contestants, in both modes. Needs root. */
@Tag("netns")
class BenchNetnsTest {
  private static final Path NAMESPACES = Path.of("/run/netns");

  @TempDir private Path folder;
  @TempDir private Path pages;

  private static List<String> namespaces() throws IOException {
    try (Stream<Path> names = Files.list(NAMESPACES)) {
      return names
          .map(name -> name.getFileName().toString())
          .filter(name -> name.startsWith("culvert-x-"))
          .toList();
    }
  }

  @Test
  void twoContestantsGiveAllFilesAndLeaveNothingBehind() throws IOException {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int exitCode =
        Main.commandLine(new PrintWriter(out), new PrintWriter(err))
            .execute(
                "--quick",
                "--contestants",
                "kernel-vxlan,tunnel-key",
                "--rounds",
                "1",
                "--turn",
                "50",
                "--out",
                folder.toString(),
                "--results",
                pages.toString());
    assertEquals(0, exitCode, () -> out + "\n" + err);

    Map<String, Object> json = Json.parseObject(Files.readString(folder.resolve("results.json")));
    assertEquals(List.of(), json.get("failures"));
    assertEquals(List.of("kernel-vxlan", "tunnel-key"), json.get("contestants"));
    List<?> groups = (List<?>) json.get("groups");
    assertEquals(
        List.of("superpacket", "wire"),
        groups.stream().map(group -> ((Map<?, ?>) group).get("id")).toList());
    String conditions = ((Map<?, ?>) groups.getLast()).get("conditions").toString();
    assertTrue(conditions.contains("tcp-segmentation-offload: off"), conditions);
    // One round allows no ranking.
    assertTrue(Files.readString(folder.resolve("report.md")).contains("too few rounds"));
    try (Stream<Path> written = Files.list(pages)) {
      Path page = written.reduce((one, other) -> fail("two pages")).orElseThrow();
      assertEquals(Files.readString(folder.resolve("report.md")), Files.readString(page));
    }
    assertTrue(Files.exists(folder.resolve("report.html")));
    assertTrue(Files.exists(folder.resolve("results.csv")));

    assertEquals(List.of(), namespaces());
    assertFalse(Files.exists(LabState.DIRECTORY));
  }
}
