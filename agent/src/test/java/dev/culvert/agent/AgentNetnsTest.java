// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.agent.output.Json;
import dev.culvert.testing.RequiresRoot;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real agent process in a network namespace of its own, with an underlay that leads nowhere. */
@Tag("netns")
@RequiresRoot
class AgentNetnsTest {
  private static final long PATIENCE_SECONDS = 60;

  // One run does not meet another's.
  private static final String HOST = "cv-agent-" + ProcessHandle.current().pid();
  private static final String CONTAINER = HOST + "-c";
  private static final String GUEST = HOST + "-g";
  private static final Path PINS = Path.of("/sys/fs/bpf/culvert", HOST);

  private record Outcome(int exitCode, String output) {}

  @TempDir private Path folder;
  private final List<Process> agents = new ArrayList<>();

  private static final String SUBNET6 = "fd00:244:0:7::/64";

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

  private Path config() {
    return folder.resolve("culvert.yaml");
  }

  @Test
  void theKernelOutlivesTheAgentAndTheNextAgentTakesOver() throws Exception {
    Process first = startAgent();
    assertEquals(
        "attached " + CONTAINER + " eth0: 10.244.1.2\n",
        culvert("attach", CONTAINER, "--host", HOST).output());
    List<?> endpoints = list("endpoints");

    kill(first, "KILL");

    Map<String, Object> status = json("status");
    assertEquals(false, ((Map<?, ?>) status.get("agent")).get("running"));
    assertEquals(null, status.get("lease"));
    assertEquals(endpoints, status.get("endpoints"));
    assertTrue(
        culvert("status", "--host", HOST)
            .output()
            .contains("agent      not running (last: pid " + first.pid()));
    assertEquals(1, culvert("attach", CONTAINER, "--host", HOST).exitCode());

    Process second = startAgent();
    status = json("status");
    assertEquals(second.pid(), ((Map<?, ?>) status.get("agent")).get("pid"));
    assertEquals("10.244.1.0/24", ((Map<?, ?>) status.get("lease")).get("subnet"));
    assertEquals(endpoints, status.get("endpoints"));
    assertEquals("detached 10.244.1.2\n", culvert("detach", CONTAINER, "--host", HOST).output());
    assertEquals(List.of(), list("endpoints"));
  }

  @Test
  void bothIpFamiliesAreSeenEverywhere() throws Exception {
    Files.writeString(
        config(),
        Files.readString(config()) + "network6: fd00:244::/48\nsubnet6: " + SUBNET6 + "\n");
    Process agent = startAgent();
    assertEquals(
        "attached " + CONTAINER + " eth0: 10.244.1.2, fd00:244:0:7::2\n",
        culvert("attach", CONTAINER, "--host", HOST).output());
    assertEquals(2, leases());
    Map<String, Object> status = json("status");
    assertEquals(List.of("10.244.0.0/16", "fd00:244::/48"), status.get("networks"), "networks");
    assertEquals(2, ((List<?>) status.get("leases")).size());
    assertEquals(2, list("subnets").size());
    String text = culvert("status", "--host", HOST).output();
    assertTrue(text.contains("lease      fd00:244:0:7::/64, generation "), text);
    assertEquals(
        List.of("10.244.1.2", "fd00:244:0:7::2"),
        ((Map<?, ?>) list("endpoints").getFirst()).get("addresses"));
    String table = culvert("endpoints", "--host", HOST).output();
    assertTrue(table.contains("10.244.1.2, fd00:244:0:7::2"), table);
    ip("netns", "exec", CONTAINER, "ping", "-c1", "-W2", "fd00:244:0:7::1");

    assertEquals(
        "detached 10.244.1.2\ndetached fd00:244:0:7::2\n",
        culvert("detach", "fd00:244:0:7::2", "--host", HOST).output());
    assertEquals(List.of(), list("endpoints"));
    kill(agent, "INT");
    assertEverythingIsGone();
  }

  /** As CNI's ptp plugin makes it: routes on both sides, and no address on the host's end. */
  private static void makeGuest(String address) throws Exception {
    ip("netns", "add", GUEST);
    ip(("-n " + HOST + " link add ptp0 type veth peer name eth0 netns " + GUEST).split(" ", -1));
    ip("-n", HOST, "link", "set", "ptp0", "up");
    ip("-n", HOST, "route", "add", address + "/32", "dev", "ptp0");
    ip("-n", GUEST, "address", "add", address + "/32", "dev", "eth0");
    ip("-n", GUEST, "link", "set", "eth0", "mtu", "1450", "up");
    ip("-n", GUEST, "route", "add", "10.244.1.1", "dev", "eth0");
    ip("-n", GUEST, "route", "add", "default", "via", "10.244.1.1", "dev", "eth0");
  }

  /** Links, addresses, routes and neighbours that were set, of guest and host. */
  private static String picture() throws Exception {
    StringBuilder picture = new StringBuilder();
    for (String namespace : List.of(GUEST, HOST)) {
      for (String what :
          List.of("link", "-4 address", "-4 route", "neighbour show nud permanent")) {
        Outcome shown = run(List.of(("ip -n " + namespace + " -o " + what).split(" ", -1)));
        ok(shown);
        picture.append(shown.output());
      }
    }
    return picture.toString();
  }

  private static boolean guestReaches(String address) throws Exception {
    String ping = "ip netns exec " + GUEST + " ping -c1 -W2 " + address;
    return run(List.of(ping.split(" ", -1))).exitCode() == 0;
  }

  @Test
  void aPairOfSomebodyElsesIsLetInAndLeftAsItWas() throws Exception {
    // The kernel does not carry it, so what arrives was carried by the programs.
    ip("netns", "exec", HOST, "sysctl", "-qw", "net.ipv4.ip_forward=0");
    makeGuest("10.244.1.10");
    String alone = picture();
    Process agent = startAgent();
    ok(culvert("attach", CONTAINER, "--host", HOST));
    String before = picture();
    assertFalse(guestReaches("10.244.1.2"));

    assertEquals(
        "attached " + GUEST + " eth0: 10.244.1.10\n",
        culvert("attach", GUEST, "--existing", "--host", HOST).output());
    assertTrue(guestReaches("10.244.1.2"));
    assertEquals(before, picture());
    assertEquals(2, list("endpoints").size());

    assertEquals("detached 10.244.1.10\n", culvert("detach", GUEST, "--host", HOST).output());
    assertFalse(guestReaches("10.244.1.2"));
    assertEquals(before, picture());

    // An agent that leaves takes its own things along, and nothing else.
    ok(culvert("attach", GUEST, "--existing", "--host", HOST));
    assertTrue(guestReaches("10.244.1.2"));
    kill(agent, "INT");
    assertEquals(alone, picture());
    assertFalse(Files.exists(PINS));
  }

  @Test
  void aSecondAgentOfOneHostIsRefused() throws Exception {
    Process first = startAgent();

    assertEquals(
        new Outcome(
            1,
            "culvert: An agent for host %s already runs, pid %d; stop it first, or give this one another host name.\n"
                .formatted(HOST, first.pid())),
        culvert("agent", "--config", config().toString()));
  }

  @Test
  void sigintLeavesNothingBehind() throws Exception {
    Process agent = startAgent();
    kill(agent, "INT");

    assertEquals(0, agent.exitValue());
    assertEverythingIsGone();
  }

  @Test
  void sigtermKeepsAndLeaveWithoutAnAgentCleansUp() throws Exception {
    Process agent = startAgent();
    kill(agent, "TERM");

    assertEquals(0, agent.exitValue());
    assertTrue(Files.isDirectory(PINS));
    assertEquals(1, leases());

    Outcome outcome =
        culvert("leave", "--host", HOST, "--run-directory", folder.resolve("run").toString());
    assertEquals(0, outcome.exitCode(), outcome.output());
    assertTrue(
        outcome.output().contains("released the lease of 10.244.1.0/24 (VNI 1)\n"),
        outcome.output());
    assertEverythingIsGone();
  }

  private void assertEverythingIsGone() throws Exception {
    assertFalse(Files.exists(PINS));
    assertEquals(0, leases());
    try (var files = Files.list(folder.resolve("run"))) {
      assertEquals(List.of(), files.toList());
    }
    String links = run(List.of("ip", "-n", HOST, "-brief", "link")).output();
    assertEquals(3, links.lines().count(), links);
  }

  private long leases() throws Exception {
    try (var files = Files.list(folder.resolve("leases"))) {
      return files.filter(file -> file.toString().endsWith(".lease")).count();
    }
  }

  private Process startAgent() throws Exception {
    Path ready = folder.resolve("ready-" + agents.size());
    Path log = folder.resolve("log-" + agents.size());
    Process agent =
        new ProcessBuilder(
                command("agent", "--config", config().toString(), "--ready-file", ready.toString()))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    agents.add(agent);
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!Files.exists(ready)) {
      assertTrue(
          agent.isAlive() && System.nanoTime() < deadline,
          () -> "the agent did not get ready: " + text(log));
      Thread.sleep(20);
    }
    assertTrue(
        Files.readString(ready)
            .startsWith(
                "culvert agent %s ready: %s, VTEP 10.17.2.2:4789 ("
                    .formatted(
                        HOST,
                        text(config()).contains("network6")
                            ? "subnets 10.244.1.0/24 and fd00:244:0:7::/64"
                            : "subnet 10.244.1.0/24")));
    return agent;
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (java.io.IOException e) {
      return e.toString();
    }
  }

  private static void kill(Process agent, String signal) throws Exception {
    ok(run(List.of("kill", "-" + signal, Long.toString(agent.pid()))));
    assertTrue(agent.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS), "still alive after " + signal);
  }

  private List<?> list(String command) throws Exception {
    return (List<?>) json(command).get(command);
  }

  private Map<String, Object> json(String command) throws Exception {
    Outcome outcome = culvert(command, "--json", "--host", HOST);
    assertEquals(0, outcome.exitCode(), outcome.output());
    return Json.parseObject(outcome.output());
  }

  private Outcome culvert(String... arguments) throws Exception {
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
  private static List<String> command(String... arguments) {
    List<String> command =
        new ArrayList<>(
            List.of(
                "env",
                "--default-signal=INT,TERM",
                "nsenter",
                "--net=/run/netns/" + HOST,
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
    command.addAll(List.of(arguments));
    return command;
  }

  private static void ip(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of("ip"));
    command.addAll(List.of(arguments));
    ok(run(command));
  }

  private static void ok(Outcome outcome) {
    assertEquals(0, outcome.exitCode(), outcome.output());
  }

  private static Outcome run(List<String> command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertNotEquals(-1, process.waitFor());
    return new Outcome(process.exitValue(), output);
  }
}
