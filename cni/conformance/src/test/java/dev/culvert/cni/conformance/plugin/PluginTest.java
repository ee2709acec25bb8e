// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.plugin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.cni.conformance.net.StoppedException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Calls of small shell scripts: how each way to end is told. */
class PluginTest {
  private static final Call CALL =
      Call.of("ADD", Map.of("name", "net")).with("CNI_CONTAINERID", "plugin-test");

  @TempDir private Path folder;

  @Test
  void parametersAndConfigurationArrive() throws IOException {
    Answer answer = plugin("echo \"$CNI_COMMAND $CNI_CONTAINERID\"; cat", 30).call(CALL);
    assertEquals("ADD plugin-test\n{\"name\":\"net\"}", answer.stdout());
    assertTrue(answer.succeeded());
  }

  @Test
  void anErrorIsReadFromStdout() throws IOException {
    Answer answer =
        plugin("echo log >&2; echo '{\"code\": 7, \"msg\": \"a\", \"details\": \"b\"}'; exit 3", 30)
            .call(CALL);
    assertFalse(answer.succeeded());
    assertEquals(OptionalLong.of(7), answer.code());
    assertEquals("a b", answer.words());
    assertEquals(
        "it ended with 3 and said \"{\"code\": 7, \"msg\": \"a\", \"details\": \"b\"}\"",
        answer.describe());
  }

  @Test
  void onlyStdoutIsTheAnswer() throws IOException {
    Answer answer = plugin("echo '{\"code\": 7}' >&2; exit 1", 30).call(CALL);
    assertEquals(OptionalLong.empty(), answer.code());
    assertEquals(
        "it ended with 1 and said nothing on stdout, stderr \"{\"code\": 7}\"", answer.describe());
  }

  @Test
  void aPluginThatReadsNothingIsNoFault() throws IOException {
    String big = "x".repeat(1 << 20);
    Answer answer = plugin("exit 0", 30).call(CALL.withInput(big));
    assertTrue(answer.succeeded());
  }

  @Test
  void aPluginThatHangsIsKilledWithAllThatItStarted() throws IOException {
    Plugin plugin = plugin("sleep 3600 & echo $! >" + folder.resolve("pid") + "; wait", 1);
    Answer answer = plugin.call(CALL);
    assertTrue(answer.hung());
    assertFalse(answer.succeeded());
    assertEquals(
        "ADD of plugin hung: it had not ended after 1 s and was killed", answer.describe());
    assertEquals(1, plugin.hangs());
    long child = Long.parseLong(Files.readString(folder.resolve("pid")).strip());
    ProcessHandle.of(child).ifPresent(left -> left.onExit().join());
  }

  @Test
  void afterAKillWhatWasStartedIsWaitedFor() throws IOException, InterruptedException {
    Path ready = folder.resolve("ready");
    Path done = folder.resolve("done");
    RunningCall running =
        plugin("(touch " + ready + "; sleep 1; touch " + done + ") & wait", 30).start(CALL);
    while (!Files.exists(ready)) {
      Thread.sleep(10);
    }
    running.killAndWait();
    assertTrue(Files.exists(done));
  }

  @Test
  void whenStoppedNobodyElseStartsAnything() throws Exception {
    Plugin plugin = plugin("exit 0", 30);
    Thread closer = new Thread(plugin::reserveForThisThread);
    closer.start();
    closer.join();
    assertThrows(StoppedException.class, () -> plugin.call(CALL));
  }

  private Plugin plugin(String script, int boundSeconds) throws IOException {
    Path file = folder.resolve("plugin");
    Files.writeString(file, "#!/bin/sh\n" + script + "\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    return new Plugin(new Plugin.Settings(file, "/nowhere", "", Duration.ofSeconds(boundSeconds)));
  }
}
