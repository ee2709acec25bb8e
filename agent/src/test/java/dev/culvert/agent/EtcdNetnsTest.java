// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.testing.RequiresRoot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two hosts that share nothing but a network, with agents as they are installed, and an etcd beside
 * them. Whatever happens to etcd, no packet between containers is lost.
 *
 * <pre>
 *   c1 ── h1 10.17.2.2 ── (bridge, 10.17.2.9: etcd) ── 10.17.2.3 h2 ── c2
 * </pre>
 */
@Tag("store")
@RequiresRoot
class EtcdNetnsTest {
  private static final String PREFIX = "cv-et-" + ProcessHandle.current().pid();
  private static final long PATIENCE_SECONDS = 60;
  private static final String ENDPOINT = "http://10.17.2.9:2379";

  @TempDir Path folder;
  private final List<Process> agents = new ArrayList<>();
  private Process etcd;

  private static String name(String of) {
    return PREFIX + "-" + of;
  }

  @BeforeEach
  void build() throws Exception {
    for (String each : List.of("h1", "h2", "c1", "c2", "e")) {
      ip("netns", "add", name(each));
      ip("-n", name(each), "link", "set", "lo", "up");
    }
    ip("-n", name("e"), "link", "add", "lan", "type", "bridge");
    ip("-n", name("e"), "address", "add", "10.17.2.9/24", "dev", "lan");
    ip("-n", name("e"), "link", "set", "lan", "up");
    for (int i = 1; i <= 2; i++) {
      String host = name("h" + i);
      ip("-n", name("e"), "link", "add", "p" + i, "type", "veth", "peer", "eth0", "netns", host);
      ip("-n", name("e"), "link", "set", "p" + i, "master", "lan", "up");
      ip("-n", host, "address", "add", "10.17.2." + (i + 1) + "/24", "dev", "eth0");
      ip("-n", host, "link", "set", "eth0", "up");
      Files.writeString(
          config(i),
          """
          host: %s
          network: 10.244.0.0/16
          subnet: 10.244.%d.0/24
          directRouting: false
          underlay: {interface: eth0}
          store: {etcd: {endpoints: ["%s"]}}
          runDirectory: %s
          """
              .formatted(host, i, ENDPOINT, folder.resolve("run")));
    }
    startEtcd();
  }

  @AfterEach
  void removeEverything() throws Exception {
    for (Process agent : agents) {
      agent.destroyForcibly().waitFor();
    }
    for (int i = 1; i <= 2; i++) {
      Outcome _ = run(command(i, "leave", "--config", config(i).toString()));
    }
    etcd.destroyForcibly().waitFor();
    for (String each : List.of("h1", "h2", "c1", "c2", "e")) {
      ip("netns", "delete", name(each));
    }
  }

  private Path config(int host) {
    return folder.resolve("h" + host + ".yaml");
  }

  private void startEtcd() throws Exception {
    etcd =
        launch(
            "etcd",
            List.of(
                "ip",
                "netns",
                "exec",
                name("e"),
                "etcd",
                "--data-dir=" + folder.resolve("etcd-data"),
                "--listen-client-urls=" + ENDPOINT,
                "--advertise-client-urls=" + ENDPOINT,
                "--listen-peer-urls=http://127.0.0.1:2380",
                "--initial-advertise-peer-urls=http://127.0.0.1:2380",
                "--initial-cluster=default=http://127.0.0.1:2380"));
    await(
        "etcd serves",
        () ->
            run(List.of("ip", "netns", "exec", name("e"), "ss", "-Hltn"))
                .output()
                .contains(":2379 "));
  }

  private Process launch(String log, List<String> command) throws Exception {
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve(log).toFile()))
        .start();
  }

  private void startAgent(int host) throws Exception {
    Path ready = folder.resolve("ready-" + host);
    Files.deleteIfExists(ready);
    Process agent =
        launch(
            "agent-" + host,
            command(
                host,
                "agent",
                "--config",
                config(host).toString(),
                "--ready-file",
                ready.toString()));
    agents.add(agent);
    await("agent " + host + " is ready", () -> Files.exists(ready) || !agent.isAlive());
    assertTrue(agent.isAlive(), () -> text("agent-" + host));
  }

  private String text(String file) {
    try {
      return Files.readString(folder.resolve(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void attach(int host) throws Exception {
    String said = ask(host, "attach", name("c" + host), "--address=10.244." + host + ".2");
    assertTrue(said.contains("10.244." + host + ".2"), said);
  }

  private String status(int host) {
    return ask(host, "status");
  }

  private String ask(int host, String... arguments) {
    List<String> all = new ArrayList<>(List.of(arguments));
    all.addAll(List.of("--host=" + name("h" + host), "--run-directory=" + folder.resolve("run")));
    return run(command(host, all.toArray(String[]::new))).output();
  }

  private static List<String> command(int host, String... arguments) {
    return AgentFixture.commandIn(
        name("h" + host), System.getProperty("java.class.path"), arguments);
  }

  @Test
  void noPacketIsLostWhateverHappensToEtcd() throws Exception {
    startAgent(1);
    startAgent(2);
    attach(1);
    attach(2);
    await("the hosts know each other", EtcdNetnsTest::pings);

    Process flow =
        launch(
            "ping",
            List.of(
                "ip",
                "netns",
                "exec",
                name("c1"),
                "ping",
                "-n",
                "-i",
                "0.05",
                "-w",
                "120",
                "10.244.2.2"));
    freeze("STOP");
    await("it is told", () -> status(1).contains("etcd"));
    freeze("CONT");
    await("it is well again", () -> !status(1).contains("problem"));
    etcd.destroyForcibly().waitFor();
    await("it is told", () -> status(2).contains("etcd"));
    agents.getFirst().destroyForcibly().waitFor();
    startAgent(1); // with what the kernel has
    startEtcd();
    await(
        "all is well again",
        () -> !status(1).contains("problem") && !status(2).contains("problem"));

    // "ip netns exec" becomes its command.
    assertEquals(0, run(List.of("kill", "-INT", String.valueOf(flow.pid()))).exitCode());
    assertTrue(flow.waitFor(10, TimeUnit.SECONDS), "ping does not end");
    String said = text("ping");
    assertTrue(said.contains(" 0% packet loss"), said.lines().toList().getLast() + said.length());
  }

  private void freeze(String signal) throws Exception {
    assertEquals(0, run(List.of("kill", "-" + signal, String.valueOf(etcd.pid()))).exitCode());
  }

  private static boolean pings() {
    return run(List.of(
                "ip",
                "netns",
                "exec",
                name("c1"),
                "ping",
                "-n",
                "-c",
                "1",
                "-W",
                "1",
                "10.244.2.2"))
            .exitCode()
        == 0;
  }

  private void await(String what, BooleanSupplier condition) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < deadline, () -> "it never came that " + what + logs());
      Thread.sleep(50);
    }
  }

  /** The end of what each process said. */
  private String logs() {
    StringBuilder all = new StringBuilder();
    for (String log : List.of("etcd", "agent-1", "agent-2")) {
      if (Files.exists(folder.resolve(log))) {
        String said = text(log);
        all.append("\n").append(log).append(": ");
        all.append(said.substring(Math.max(0, said.length() - 1000)));
      }
    }
    return all.toString();
  }

  private record Outcome(int exitCode, String output) {}

  private static void ip(String... arguments) {
    List<String> command = new ArrayList<>(List.of("ip"));
    command.addAll(List.of(arguments));
    Outcome outcome = run(command);
    assertEquals(0, outcome.exitCode(), () -> command + ": " + outcome.output());
  }

  private static Outcome run(List<String> command) {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return new Outcome(process.waitFor(), output);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
