// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.agent.cli.Main;
import dev.culvert.agent.output.Json;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/**
 * Real agent processes in a network namespace of their own, with an underlay that leads nowhere.
 */
abstract class AgentFixture {
  static final long PATIENCE_SECONDS = 60;

  // One run does not meet another's.
  static final String HOST = "cv-agent-" + ProcessHandle.current().pid();
  static final String CONTAINER = HOST + "-c";
  static final String GUEST = HOST + "-g";
  static final Path PINS = Path.of("/sys/fs/bpf/culvert", HOST);

  record Outcome(int exitCode, String output) {}

  @TempDir Path folder;
  final List<Process> agents = new ArrayList<>();

  @BeforeEach
  void makeNamespaces() throws Exception {
    ip("netns", "add", HOST);
    ip("netns", "add", CONTAINER);
    ip("-n", HOST, "link", "set", "lo", "up");
    ip("-n", HOST, "link", "add", "eth0", "type", "veth", "peer", "name", "wire");
    ip("-n", HOST, "address", "add", "10.17.2.2/24", "dev", "eth0");
    ip("-n", HOST, "link", "set", "eth0", "up");
    ip("-n", HOST, "link", "set", "wire", "up");
    Files.writeString(
        config(),
        """
        host: %s
        network: 10.244.0.0/16
        subnet: 10.244.1.0/24
        underlay: {interface: eth0}
        store: {directory: %s}
        runDirectory: %s
        """
            .formatted(HOST, folder.resolve("leases"), folder.resolve("run")));
  }

  @AfterEach
  void removeEverything() throws Exception {
    for (Process agent : agents) {
      agent.destroyForcibly().waitFor();
    }
    Outcome _ = culvert("leave", "--config", config().toString());
    Outcome _ = run(List.of("ip", "netns", "delete", CONTAINER));
    Outcome _ = run(List.of("ip", "netns", "delete", GUEST));
    Outcome _ = run(List.of("ip", "netns", "delete", HOST));
  }

  Path config() {
    return folder.resolve("culvert.yaml");
  }

  long leaseFiles() throws Exception {
    try (var files = Files.list(folder.resolve("leases"))) {
      return files.filter(file -> file.toString().endsWith(".lease")).count();
    }
  }

  /** An agent that is ready, with the subnets that its configuration asks for. */
  Process startAgent() throws Exception {
    Process agent = launchAgent();
    awaitReady(agent);
    assertTrue(
        text(ready(agent))
            .startsWith(
                "culvert agent %s ready: %s, VTEP 10.17.2.2:4789 ("
                    .formatted(
                        HOST,
                        text(config()).contains("network6")
                            ? "subnets 10.244.1.0/24 and fd00:244:0:7::/64"
                            : "subnet 10.244.1.0/24")),
        () -> text(ready(agent)));
    return agent;
  }

  /** One that may never get ready. */
  Process launchAgent(String... options) throws Exception {
    Path next = folder.resolve("ready-" + agents.size());
    List<String> arguments = new ArrayList<>(List.of("agent", "--config", config().toString()));
    arguments.addAll(List.of("--ready-file", next.toString()));
    arguments.addAll(List.of(options));
    return launch(command(arguments.toArray(String[]::new)));
  }

  Process launch(List<String> command) throws Exception {
    Process agent =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("log-" + agents.size()).toFile())
            .start();
    agents.add(agent);
    return agent;
  }

  Path ready(Process agent) {
    return folder.resolve("ready-" + agents.indexOf(agent));
  }

  /** What it has said so far. */
  String log(Process agent) {
    return text(folder.resolve("log-" + agents.indexOf(agent)));
  }

  void awaitReady(Process agent) throws Exception {
    await("the agent is ready", agent, () -> Files.exists(ready(agent)));
  }

  void await(String what, Process agent, BooleanSupplier condition) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!condition.getAsBoolean()) {
      assertTrue(
          agent.isAlive() && System.nanoTime() < deadline,
          () -> "it never came that " + what + ": " + log(agent));
      Thread.sleep(20);
    }
  }

  void assertEverythingIsGone() throws Exception {
    assertFalse(Files.exists(PINS));
    assertEquals(0, leaseFiles());
    try (var files = Files.list(folder.resolve("run"))) {
      assertEquals(List.of(), files.toList());
    }
    String links = run(List.of("ip", "-n", HOST, "-brief", "link")).output();
    assertEquals(3, links.lines().count(), links);
  }

  static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (java.io.IOException e) {
      return e.toString();
    }
  }

  static void signal(Process agent, String signal) throws Exception {
    ok(run(List.of("kill", "-" + signal, Long.toString(agent.pid()))));
  }

  static void kill(Process agent, String signal) throws Exception {
    signal(agent, signal);
    assertTrue(agent.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS), "still alive after " + signal);
  }

  List<?> list(String command) throws Exception {
    return (List<?>) json(command).get(command);
  }

  Map<String, Object> json(String command) throws Exception {
    Outcome outcome = culvert(command, "--json", "--host", HOST);
    assertEquals(0, outcome.exitCode(), outcome.output());
    return Json.parseObject(outcome.output());
  }

  Outcome culvert(String... arguments) throws Exception {
    List<String> all = new ArrayList<>(List.of(arguments));
    if (!all.contains("--config") && !all.contains("--run-directory")) {
      all.addAll(List.of("--run-directory", folder.resolve("run").toString()));
    }
    return run(command(all.toArray(String[]::new)));
  }

  /**
   * env and nsenter become the JVM (exec), so the process number is the agent's. A background job
   * of a script ignores SIGINT and hands that on to its children: a JVM would never hear of it.
   */
  static List<String> command(String... arguments) {
    return commandOf(System.getProperty("java.class.path"), arguments);
  }

  static List<String> commandOf(String classPath, String... arguments) {
    return commandIn(HOST, classPath, arguments);
  }

  static List<String> commandIn(String namespace, String classPath, String... arguments) {
    List<String> command =
        new ArrayList<>(
            List.of(
                "env",
                "--default-signal=INT,TERM,HUP",
                "nsenter",
                "--net=/run/netns/" + namespace,
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                classPath,
                Main.class.getName()));
    command.addAll(List.of(arguments));
    return command;
  }

  static void ip(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of("ip"));
    command.addAll(List.of(arguments));
    ok(run(command));
  }

  static void ok(Outcome outcome) {
    assertEquals(0, outcome.exitCode(), outcome.output());
  }

  static Outcome run(List<String> command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertNotEquals(-1, process.waitFor());
    return new Outcome(process.exitValue(), output);
  }
}
