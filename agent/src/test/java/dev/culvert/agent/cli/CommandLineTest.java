// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.agent.output.Json;
import dev.culvert.agent.socket.ControlServer;
import dev.culvert.agent.socket.FakeOverlay;
import dev.culvert.agent.socket.RequestHandler;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.RefusedException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/**
 * What commands ask of an agent, and how they fail: one sentence, and the exit code that is
 * documented.
 */
class CommandLineTest extends CommandLineFixture {
  @Test
  void asksALivingAgentForChanges() {
    FakeOverlay overlay = new FakeOverlay();
    try (ControlServer _ =
        ControlServer.start(
            run.resolve("host-01.sock"),
            new RequestHandler(overlay, overlay, Instant.now(), e -> {}))) {
      String self = "/proc/" + ProcessHandle.current().pid() + "/ns/net";
      assertEquals(
          "attached /proc/self/ns/net eth7: 10.244.1.5\n",
          here("attach", "/proc/self/ns/net", "--interface", "eth7", "--address", "10.244.1.5")
              .out());
      assertEquals(
          "attached /proc/self/ns/net eth0: 10.244.1.10\n",
          here("attach", "/proc/self/ns/net", "--existing", "--label", "web/one").out());
      assertEquals("attached bridge br0\n", here("attach", "--bridge", "br0").out());
      assertEquals("detached 10.244.1.5\n", here("detach", "10.244.1.5").out());
      assertEquals(
          "detached 10.244.1.2\ndetached 10.244.1.3\n",
          here("detach", Long.toString(ProcessHandle.current().pid())).out());
      assertEquals("detached bridge br0\n", here("detach", "--bridge", "br0").out());
      assertEquals(
          "host-01 left: its lease is released, everything is removed\n", here("leave").out());
      assertEquals(
          List.of(
              "attach /proc/self/ns/net eth7 /10.244.1.5",
              "attachExisting /proc/self/ns/net eth0 web/one",
              "attachBridge br0",
              "detach 10.244.1.5",
              "detachAll " + self,
              "detachBridge br0",
              "leave"),
          overlay.asked);
    }
  }

  @Test
  void saysThatADeadAgentCannotChangeAnything() {
    assertOneSentence(
        1,
        "The agent of host host-01 is not running, so nothing can be attached; start it: culvert"
            + " agent --config FILE.",
        here("attach", "/proc/self/ns/net"));
    assertOneSentence(
        1,
        "The agent of host host-01 is not running, so nothing can be detached; start it: culvert"
            + " agent --config FILE.",
        here("detach", "--bridge", "br0"));
    assertOneSentence(
        1,
        "The agent of host host-01 is not running and left no word of its configuration; name it"
            + " with --config FILE.",
        here("leave"));
  }

  @Test
  void asksWhichOfSeveralHostsIsMeant() throws Exception {
    Files.createDirectories(folder.resolve("bpf/culvert/host-02_example_org"));

    assertOneSentence(
        1,
        "There are several agents on this machine; choose one with --host: host-01,"
            + " host-02.example.org.",
        here("subnets"));
    assertEquals(0, here("subnets", "--host", "host-02.example.org").exitCode());
    assertOneSentence(
        1,
        "There is no agent for host host-03 on this machine, only for host-01,"
            + " host-02.example.org.",
        here("subnets", "--host", "host-03"));
  }

  @Test
  void saysThatNothingIsThere() throws Exception {
    Files.delete(pins);
    Outcome outcome = here("status");

    assertEquals(1, outcome.exitCode());
    assertEquals(1, outcome.err().lines().count(), outcome.err());
    assertTrue(outcome.err().contains(folder.resolve("bpf").toString()), outcome.err());
  }

  @Test
  void showsARefusalInOneSentenceAndItsTraceOnlyWhenAsked() {
    unreadable = Optional.of(new KernelException("BPF_OBJ_GET", "map subnets4", 1, "run as root"));
    assertOneSentence(
        1,
        "BPF_OBJ_GET on map subnets4: EPERM (operation not permitted); run as root.",
        here("subnets"));
    assertTrue(here("subnets", "--debug").err().contains("\tat dev.culvert"));

    unreadable = Optional.of(new RefusedException("There is no free address"));
    assertOneSentence(1, "There is no free address.", here("subnets"));
  }

  @Test
  void showsTheTraceOfOurOwnFaultsUnasked() {
    for (RuntimeException fault :
        List.of(
            new NullPointerException(),
            new IllegalArgumentException("An interface index is positive, not 0."),
            new IllegalStateException("The mailbox is closed."))) {
      unreadable = Optional.of(fault);
      Outcome outcome = here("subnets");
      assertEquals(1, outcome.exitCode());
      assertTrue(
          outcome.err().startsWith("culvert: Unexpected " + fault.getClass().getSimpleName()),
          outcome.err());
      assertTrue(outcome.err().contains("\tat dev.culvert"), outcome.err());
    }
  }

  @Test
  void exitsWithTwoForAWrongCommandLine() {
    for (String[] wrong :
        new String[][] {
          {},
          {"frobnicate"},
          {"attach"},
          {"attach", "a", "--bridge", "b"},
          {"agent"},
          {"detach"},
          {"status", "--jsno"},
          {"counters", "--by", "colour"},
          {"trace", "--sample", "0"},
          {"trace", "--count", "0"},
          {"trace", "--src", "10.244.1.0/33"},
          {"trace", "--dst", "container-1"},
          {"explain", "10.244.1.2"},
          {"explain", "10.244.1.2", "fd00::1"},
          {"explain", "10.244.1.2", "10.244.2.4", "--proto", "sctp"},
          {"explain", "10.244.1.2", "10.244.2.4", "--port", "0"},
          {"explain", "10.244.1.2", "10.244.2.4", "--size", "65000"},
          {"explain", "10.244.1.2", "10.244.2.4", "--sender", "nobody"},
          {"attach", "--bridge", "br0", "--address", "10.0.0.1"},
          {"attach", "--bridge", "br0", "--existing"},
          {"attach", "a", "--existing", "--address", "10.0.0.1"},
        }) {
      Outcome outcome = culvert(wrong);
      assertEquals(2, outcome.exitCode(), outcome.toString());
      assertEquals(1, outcome.err().lines().count(), outcome.toString());
      assertTrue(outcome.err().contains("Try: culvert"), outcome.toString());
    }
  }

  @Test
  void exitsWithOneForAWrongConfiguration() throws Exception {
    Path config = Files.writeString(folder.resolve("culvert.yaml"), "networks: 10.244.0.0/16\n");

    assertOneSentence(
        1,
        config + ", line 1: unknown key \"networks\"; did you mean \"network\"?",
        culvert("agent", "--config", config.toString()));
  }

  @Test
  void saysWhereTheLabIs() {
    for (String[] words :
        List.of(new String[] {"lab"}, new String[] {"lab", "run", "4c", "--json", "f"})) {
      assertOneSentence(
          1,
          "The lab is in Culvert's source tree, not in what is installed: run \"sudo ./culvert"
              + " lab\" there.",
          culvert(words));
    }
  }

  @Test
  void helpsAndTellsItsVersion() {
    assertEquals(0, culvert("--help").exitCode());
    assertTrue(culvert("--help").out().contains("Exit codes:"));
    assertTrue(culvert("attach", "--help").out().contains("--interface"));
    assertTrue(culvert("version").out().startsWith("culvert "));
    assertEquals(0, culvert("version").exitCode());
    assertEquals(culvert("version"), culvert("--version"));
  }

  @Test
  void examinesThisMachine() {
    Outcome outcome = culvert("doctor", "--json", "--underlay", "none7");
    Map<String, Object> json = Json.parseObject(outcome.out());

    assertEquals(json.get("ok"), outcome.exitCode() == 0);
    List<?> checks = (List<?>) json.get("checks");
    assertEquals(17, checks.size());
    List<Object> decapsulations =
        checks.stream()
            .map(check -> (Map<?, ?>) check)
            .filter(check -> "decapsulation".equals(check.get("name")))
            .<Object>map(check -> check.get("found"))
            .toList();
    assertEquals(List.of("no interface none7"), decapsulations);
  }

  @Test
  void outputToAFullDiskIsNoSuccess() throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "version")
            .redirectOutput(Path.of("/dev/full").toFile())
            .start();
    String said = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(1, process.waitFor(), said);
    assertTrue(
        said.startsWith("culvert: Not all that there was to say could be written: No space left"),
        said);
  }
}
