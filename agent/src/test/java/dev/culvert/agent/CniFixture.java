// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.agent.cni.PluginProgram;
import dev.culvert.agent.output.Json;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two hosts on one link, each with a real agent, and the real plugin for their containers.
 *
 * <pre>
 *   web ── h1 eth0 10.17.2.2 ── 10.17.2.3 eth0 h2 ── db
 * </pre>
 */
abstract class CniFixture {
  private static final long PATIENCE_SECONDS = 60;

  /** One run does not meet another's. */
  private static final String RUN = "cni-" + ProcessHandle.current().pid() + "-";

  static final String FIRST = "h1";
  static final String SECOND = "h2";

  record Outcome(int exitCode, String output) {
    Map<String, Object> json() {
      return Json.parseObject(output);
    }

    long code() {
      assertEquals(1, exitCode, output);
      return (Long) json().get("code");
    }
  }

  @TempDir Path folder;
  final Map<String, Process> agents = new HashMap<>();
  private final List<String> namespaces = new ArrayList<>();
  private Path plugin;

  @BeforeEach
  void build() throws Exception {
    plugin = folder.resolve(PluginProgram.NAME);
    Files.write(plugin, PluginProgram.bytes());
    assertTrue(plugin.toFile().setExecutable(true));
    for (String host : List.of(FIRST, SECOND)) {
      addNamespace(host);
      sh("ip -n " + name(host) + " link set lo up");
    }
    sh(
        "ip -n %s link add eth0 type veth peer name eth0 netns %s"
            .formatted(name(FIRST), name(SECOND)));
    sh("ip -n " + name(FIRST) + " address add 10.17.2.2/24 dev eth0");
    sh("ip -n " + name(SECOND) + " address add 10.17.2.3/24 dev eth0");
    for (String host : List.of(FIRST, SECOND)) {
      sh("ip -n " + name(host) + " link set eth0 up");
      Files.writeString(config(host), configuration(host));
      startAgent(host);
    }
  }

  private String configuration(String host) {
    String third = host.equals(FIRST) ? "1" : "2";
    return """
    host: %s
    network: 10.244.0.0/16
    subnet: 10.244.%s.0/24
    network6: fd00:244::/48
    subnet6: fd00:244:0:%s::/64
    underlay: {interface: eth0}
    store: {directory: %s}
    runDirectory: %s
    """
        .formatted(name(host), third, third, folder.resolve("leases"), folder.resolve("run"));
  }

  @AfterEach
  void remove() throws Exception {
    for (Process agent : agents.values()) {
      agent.destroyForcibly().waitFor();
    }
    for (String host : List.of(FIRST, SECOND)) {
      Outcome _ = run(culvert(host, "leave", "--config", config(host).toString()));
    }
    for (String namespace : namespaces) {
      Outcome _ = run(List.of("ip", "netns", "delete", name(namespace)));
    }
  }

  static String name(String short_) {
    return RUN + short_;
  }

  void addNamespace(String namespace) throws Exception {
    sh("ip netns add " + name(namespace));
    namespaces.add(namespace);
  }

  static void deleteNamespace(String namespace) throws Exception {
    sh("ip netns delete " + name(namespace));
  }

  private Path config(String host) {
    return folder.resolve(host + ".yaml");
  }

  Path socket(String host) {
    return folder.resolve("run").resolve(name(host) + ".sock");
  }

  /** The notes that outlive an agent, by the folder that they are in. */
  List<String> notes(String host, String which) throws Exception {
    Path notes = folder.resolve("run").resolve(name(host) + ".cni").resolve(which);
    if (!Files.isDirectory(notes)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(notes)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  void startAgent(String host) throws Exception {
    Path ready = folder.resolve("ready-" + host);
    Files.deleteIfExists(ready);
    Process agent =
        new ProcessBuilder(
                culvert(
                    host,
                    "agent",
                    "--config",
                    config(host).toString(),
                    "--ready-file",
                    ready.toString()))
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("log-" + host).toFile())
            .start();
    agents.put(host, agent);
    await(
        "the agent is ready",
        () -> {
          assertTrue(agent.isAlive(), () -> log(host));
          return Files.exists(ready);
        });
  }

  void killAgent(String host) throws Exception {
    sh("kill -KILL " + agents.get(host).pid());
    assertTrue(agents.get(host).waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS));
  }

  String log(String host) {
    try {
      return Files.readString(folder.resolve("log-" + host));
    } catch (java.io.IOException e) {
      return e.toString();
    }
  }

  /** The lines of "culvert endpoints --json" of a host. */
  List<?> endpoints(String host) throws Exception {
    Outcome outcome =
        run(
            culvert(
                host,
                "endpoints",
                "--json",
                "--host",
                name(host),
                "--run-directory",
                folder.resolve("run").toString()));
    assertEquals(0, outcome.exitCode(), outcome.output());
    return (List<?>) outcome.json().get("endpoints");
  }

  private static List<String> culvert(String host, String... arguments) {
    return AgentFixture.commandIn(name(host), System.getProperty("java.class.path"), arguments);
  }

  /** A call of the plugin, to be changed before it is made. */
  final class PluginCall {
    final Map<String, String> environment = new LinkedHashMap<>();
    final Map<String, Object> configuration = new LinkedHashMap<>();

    PluginCall(String host, String command, String container) {
      environment.put("CNI_COMMAND", command);
      environment.put("CNI_CONTAINERID", container);
      environment.put("CNI_NETNS", "/run/netns/" + name(container));
      environment.put("CNI_IFNAME", "eth0");
      environment.put("CNI_PATH", folder.toString());
      configuration.put("cniVersion", "1.1.0");
      configuration.put("name", "pods");
      configuration.put("type", PluginProgram.NAME);
      configuration.put("socket", socket(host).toString());
    }

    PluginCall env(String key, String value) {
      environment.put(key, value);
      return this;
    }

    PluginCall config(String key, Object value) {
      configuration.put(key, value);
      return this;
    }

    Process start() throws Exception {
      ProcessBuilder builder = new ProcessBuilder(plugin.toString());
      builder.environment().putAll(environment);
      Process process = builder.start();
      try (OutputStream in = process.getOutputStream()) {
        in.write(Json.line(configuration).getBytes(StandardCharsets.UTF_8));
      }
      return process;
    }

    Outcome run() throws Exception {
      return end(start());
    }
  }

  static Outcome end(Process process) throws Exception {
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Outcome(process.waitFor(), output);
  }

  PluginCall call(String host, String command, String container) {
    return new PluginCall(host, command, container);
  }

  /** The result of one that must succeed. */
  Map<String, Object> add(String host, String container) throws Exception {
    Outcome outcome = call(host, "ADD", container).run();
    assertEquals(0, outcome.exitCode(), outcome::output);
    return outcome.json();
  }

  void delete(String host, String container) throws Exception {
    assertEquals(new Outcome(0, ""), call(host, "DEL", container).run());
  }

  /** Of an IP family: 0 is IPv4. */
  static String address(Map<String, Object> result, int which) {
    String text = (String) ((Map<?, ?>) ((List<?>) result.get("ips")).get(which)).get("address");
    return text.substring(0, text.indexOf('/'));
  }

  static boolean reaches(String container, String address) throws Exception {
    return run(List.of("ip", "netns", "exec", name(container), "ping", "-c1", "-W2", address))
            .exitCode()
        == 0;
  }

  static void await(String what, BooleanSupplier condition) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < deadline, () -> "it never came that " + what);
      Thread.sleep(20);
    }
  }

  static void sh(String command) throws Exception {
    Outcome outcome = run(List.of(command.split(" ", -1)));
    assertEquals(0, outcome.exitCode(), () -> command + ": " + outcome.output());
  }

  static Outcome run(List<String> command) throws Exception {
    return end(new ProcessBuilder(command).redirectErrorStream(true).start());
  }
}
