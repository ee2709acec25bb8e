// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.testing.Commands;
import dev.culvert.testing.RequiresRoot;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a kit that is stopped or killed leaves behind. */
@Tag("netns")
@RequiresRoot
class StopNetnsTest {
  @TempDir private Path folder;

  /** SIGTERM does what Ctrl-C does. */
  @Test
  void whoeverStopsItFindsNothing() throws Exception {
    ReferencePlugin plugin = ReferencePlugin.write(folder, "check.hangs");
    Process kit = start(plugin);
    awaitCheck(plugin);
    assertFalse(addresses(plugin).isEmpty());
    kit.toHandle().destroy(); // Process.destroy would close the streams too
    kit.waitFor();
    String said = Files.readString(folder.resolve("stderr"));
    assertEquals(List.of(), addresses(plugin));
    assertFalse(Commands.run("ip", "netns", "list").contains("confkit-"));
    assertFalse(said.contains("\tat "), said);
  }

  @Test
  void whatAKilledOneLeftTheNextOneRemoves() throws Exception {
    ReferencePlugin plugin = ReferencePlugin.write(folder, "check.hangs");
    Process kit = start(plugin);
    awaitCheck(plugin);
    kit.destroyForcibly().waitFor();
    assertTrue(Commands.run("ip", "netns", "list").contains("confkit-" + kit.pid() + "-"));
    ReferencePlugin other =
        ReferencePlugin.write(Files.createDirectory(folder.resolve("other")), "");
    assertTrue(other.judge("version.answers").conforms());
    assertFalse(Commands.run("ip", "netns", "list").contains("confkit-"));
    // Its plugin lives on, and is ours to end.
    long child = Long.parseLong(Files.readString(plugin.state().resolve("hanging")).strip());
    ProcessHandle.of(child).ifPresent(ProcessHandle::destroyForcibly);
  }

  private Process start(ReferencePlugin plugin) throws Exception {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            Main.class.getName(),
            "--plugin",
            plugin.executable().toString(),
            "--config",
            folder.resolve("reference.conf").toString(),
            "--timeout",
            "3600",
            "--only",
            "check.ok")
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .redirectError(folder.resolve("stderr").toFile())
        .start();
  }

  /** Until the plugin hangs in CHECK, with a container attached. */
  private static void awaitCheck(ReferencePlugin plugin) throws InterruptedException {
    while (!Files.exists(plugin.state().resolve("hanging"))) {
      Thread.sleep(20);
    }
  }

  private static List<String> addresses(ReferencePlugin plugin) throws Exception {
    try (var files = Files.list(plugin.state().resolve("reference"))) {
      return files.map(file -> file.getFileName().toString()).toList();
    }
  }
}
