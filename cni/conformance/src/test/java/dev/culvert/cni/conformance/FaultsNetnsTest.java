// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.testing.Commands;
import dev.culvert.testing.RequiresRoot;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A plugin without a fault passes every check, and each check finds a plugin's fault. */
@Tag("netns")
@RequiresRoot
class FaultsNetnsTest {
  @TempDir private Path folder;

  static Stream<Faults> faults() {
    return Faults.all().stream();
  }

  @Test
  void aPluginWithoutFaultPassesEverything() throws Exception {
    ReferencePlugin plugin = ReferencePlugin.write(folder, "");
    Report report = plugin.judge();
    List<String> others =
        report.results().stream()
            .filter(result -> result.status() != Result.Status.PASSED)
            .map(Report::line)
            .toList();
    assertEquals(List.of(), others);
    assertTrue(report.conforms());
    assertFalse(Commands.run("ip", "netns", "list").contains("confkit-"));
    try (var left = Files.walk(plugin.state())) {
      assertEquals(List.of(), left.filter(Files::isRegularFile).toList());
    }
  }

  @ParameterizedTest
  @MethodSource("faults")
  void theCheckFindsTheFault(Faults faults) throws Exception {
    Report report = ReferencePlugin.write(folder, faults.fault()).judge(faults.check());
    List<Result> failed =
        report.results().stream()
            .filter(result -> result.status() == Result.Status.FAILED)
            .toList();
    assertFalse(failed.isEmpty(), () -> "not found: " + faults);
    for (Result result : failed) {
      assertFalse(result.why().startsWith("It could not be tried"), result.why());
    }
    assertFalse(Commands.run("ip", "netns", "list").contains("confkit-"));
  }

  @Test
  void aPluginThatHangsIsToldByName() throws Exception {
    Report report =
        ReferencePlugin.write(folder, "hang")
            .judge(Duration.ofSeconds(2), "add.interface", "add.addresses", "add.sandbox");
    assertEquals(
        List.of(
            "ADD should succeed, but ADD of reference hung: it had not ended after 2 s and was killed.",
            "ADD should succeed, but ADD of reference hung: it had not ended after 2 s and was killed.",
            "Not tried, since reference hung 3 times before."),
        report.results().stream().map(Result::why).toList());
  }
}
