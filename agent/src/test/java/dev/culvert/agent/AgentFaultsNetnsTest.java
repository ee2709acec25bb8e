// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.testing.RequiresRoot;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** An agent is whole or gone, and nothing foreign holds it up. */
@Tag("netns")
@RequiresRoot
class AgentFaultsNetnsTest extends AgentFixture {
  /** Two, as promised, and as much again for a machine that has much else to do. */
  private static final long END_SECONDS = 4;

  private Path leases() {
    return folder.resolve("leases");
  }

  private List<?> problems() throws Exception {
    return (List<?>) json("status").get("problems");
  }

  private void awaitProblem(Process agent, String part) throws Exception {
    for (int i = 0; i < 100; i++) {
      if (problems().toString().contains(part)) {
        return;
      }
      Thread.sleep(100);
    }
    throw new AssertionError("no problem says " + part + ": " + problems() + log(agent));
  }

  private static void endsAtOnce(Process agent, String signal) throws Exception {
    signal(agent, signal);
    assertTrue(agent.waitFor(END_SECONDS, TimeUnit.SECONDS), "still alive after " + signal);
  }

  @Test
  void aPipeAndAnEndlessFileAmongTheLeasesAreNamedAndHarmNothing() throws Exception {
    Files.createDirectories(leases());
    ok(run(List.of("mkfifo", leases().resolve("pipe.lease").toString())));
    Process agent = startAgent();
    Files.createSymbolicLink(leases().resolve("zero.lease"), Path.of("/dev/zero"));
    awaitProblem(agent, "/pipe.lease");
    awaitProblem(agent, "/zero.lease");
    ok(culvert("attach", CONTAINER, "--host", HOST));
    endsAtOnce(agent, "TERM");
    assertEquals(0, agent.exitValue());
  }

  @Test
  void aPipeInANamespacesPlaceIsRefusedAtOnce() throws Exception {
    Process agent = startAgent();
    Path pipe = folder.resolve("netns");
    ok(run(List.of("mkfifo", pipe.toString())));
    Outcome refused = culvert("attach", pipe.toString(), "--host", HOST);
    assertEquals(
        "culvert: %s is no network namespace; list those with a name by \"ip netns\", a process's is /proc/PID/ns/net.\n"
            .formatted(pipe),
        refused.output());
    Outcome detached = culvert("detach", pipe.toString(), "--host", HOST);
    assertEquals(1, detached.exitCode(), detached.output());
    ok(culvert("attach", CONTAINER, "--host", HOST));
    endsAtOnce(agent, "TERM");
  }

  /** As a hung file server would; renewals are due every five seconds. */
  @Test
  void aStoreThatSomebodyHoldsUpHoldsUpNeitherStatusNorTheEnd() throws Exception {
    Files.writeString(config(), text(config()) + "leaseDuration: 10s\n");
    Process agent = startAgent();
    Process holder =
        new ProcessBuilder(
                "python3",
                "-c",
                "import fcntl,sys,time; f=open(sys.argv[1],'r+'); fcntl.lockf(f,fcntl.LOCK_EX);"
                    + " print('held',flush=True); time.sleep(600)",
                leases().resolve(".lock").toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try {
      assertEquals("held", holder.inputReader().readLine());
      awaitProblem(agent, "has been busy for");
      assertEquals(
          "10.244.1.0/24", ((Map<?, ?>) json("status").get("lease")).get("subnet"), "the status");
      endsAtOnce(agent, "TERM");
      assertEquals(0, agent.exitValue(), log(agent));
    } finally {
      holder.destroyForcibly();
    }
  }

  @Test
  void anAgentThatIsStoppedIsToldFromADeadOne() throws Exception {
    Process agent = startAgent();
    signal(agent, "STOP");
    try {
      Outcome status = culvert("status", "--host", HOST);
      ok(status);
      assertTrue(status.output().contains("running, but does not answer"), status.output());
      assertTrue(status.output().contains("10.244.1.0/24"), status.output());
    } finally {
      signal(agent, "CONT");
    }
    ok(culvert("attach", CONTAINER, "--host", HOST));
  }

  @Test
  void anUnderlayThatComesLateIsWaitedFor() throws Exception {
    ip("-n", HOST, "link", "set", "eth0", "name", "late0");
    Outcome refused = culvert("agent", "--config", config().toString());
    assertTrue(
        refused.output().startsWith("culvert: There is no interface eth0"), refused.output());
    Process agent = launchAgent("--wait");
    await("it waits", agent, () -> log(agent).contains("is waiting for the underlay: There is no"));

    ip("-n", HOST, "address", "flush", "dev", "late0");
    ip("-n", HOST, "link", "set", "late0", "name", "eth0");
    await("it says what is missing", agent, () -> log(agent).contains("no global IPv4 address"));
    ip("-n", HOST, "address", "add", "10.17.2.2/24", "dev", "eth0");
    awaitReady(agent);
    ok(culvert("attach", CONTAINER, "--host", HOST));
  }

  @Test
  void whoWaitsForTheUnderlayCanBeEnded() throws Exception {
    ip("-n", HOST, "link", "set", "eth0", "name", "late0");
    Process agent = launchAgent("--wait");
    await("it waits", agent, () -> log(agent).contains("is waiting for the underlay"));
    endsAtOnce(agent, "TERM");
    assertEquals(0, agent.exitValue(), log(agent));
    Files.createDirectories(leases()); // which it did not even make
    assertEverythingIsGone();
  }

  @Test
  void aStartThatFailsLateLeavesNothing() throws Exception {
    Outcome refused =
        culvert(
            "agent", "--config", config().toString(), "--ready-file", folder + "/no/such/folder");
    assertEquals(1, refused.exitCode(), refused.output());
    assertTrue(
        refused.output().contains("culvert: Cannot write the ready file " + folder + "/no/such"),
        refused.output());
    assertEverythingIsGone();

    Path inTheWay = Files.createDirectories(folder.resolve("run/" + HOST + ".sock/full"));
    refused = culvert("agent", "--config", config().toString());
    assertEquals(1, refused.exitCode(), refused.output());
    assertTrue(
        refused.output().contains("culvert: Cannot listen on the control socket"),
        refused.output());
    Files.delete(inTheWay);
    Files.delete(inTheWay.getParent());
    assertEverythingIsGone();
  }

  @Test
  void sighupReadsTheConfigurationAgain() throws Exception {
    Process agent = startAgent();
    ok(culvert("attach", CONTAINER, "--host", HOST));
    signal(agent, "HUP");
    await("it is told", agent, () -> log(agent).contains("again: nothing has changed"));

    String good = text(config());
    Files.writeString(config(), good + "stop: sometimes\n");
    signal(agent, "HUP");
    await("it is refused", agent, () -> log(agent).contains("\"sometimes\" is neither keep nor"));
    Files.writeString(config(), good + "runDirectory: /run/elsewhere\n");

    Files.writeString(config(), good + "decapsulation: tc\nstop: leave\n");
    signal(agent, "HUP");
    await("it goes on", agent, () -> log(agent).contains("goes on by " + config() + " as it is"));
    assertEquals(1, list("endpoints").size());
    assertEquals("detached 10.244.1.2\n", culvert("detach", CONTAINER, "--host", HOST).output());
    kill(agent, "TERM");
    assertEverythingIsGone();
  }

  /** Its pins stay, and a container with them. */
  private void attachAndDie() throws Exception {
    Process agent = startAgent();
    ok(culvert("attach", CONTAINER, "--host", HOST));
    kill(agent, "KILL");
  }

  private Outcome refusedStart() throws Exception {
    Outcome started = culvert("agent", "--config", config().toString());
    assertEquals(1, started.exitCode(), started.output());
    return started;
  }

  /** As another version would have pinned them, or somebody who deletes pins. */
  @Test
  void pinsThatCannotBeReadAreToldAndCanBeLeft() throws Exception {
    attachAndDie();
    ok(run(List.of("ln", "-sfn", "99", PINS.resolve("abi").toString())));
    Files.delete(PINS.resolve("endpoints4"));

    Outcome started = refusedStart();
    assertTrue(
        started.output().contains("have layout version 99, this Culvert has version"),
        started.output());
    assertTrue(started.output().contains("(culvert leave)"), started.output());

    Map<String, Object> status = json("status");
    assertEquals(null, status.get("endpoints"));
    assertEquals(1, ((List<?>) status.get("problems")).size(), status.toString());
    Outcome left = culvert("leave", "--config", config().toString());
    assertEquals(0, left.exitCode(), left.output());
    assertTrue(left.output().contains("are taken away unread"), left.output());
    assertEverythingIsGone();
  }

  @Test
  void pinsThatAreDamagedAreToldAndCanBeLeft() throws Exception {
    attachAndDie();
    ok(
        run(
            List.of(
                "ln",
                "-sfn",
                "vni=x;address=;port=;mac=;gateway=;network=;underlay=",
                PINS.resolve("identity").toString())));
    Outcome started = refusedStart();
    assertTrue(started.output().contains("does not describe a tunnel end"), started.output());
    assertTrue(problems().toString().contains("does not describe a tunnel end"));
    ok(culvert("leave", "--config", config().toString()));
    assertEverythingIsGone();
  }

  /** Somebody moved pins about: a program lies where a map should. */
  @Test
  void aPinOfAnotherKindIsToldAndCanBeLeft() throws Exception {
    attachAndDie();
    ok(
        run(
            List.of(
                "mv",
                PINS.resolve("programs/from_container").toString(),
                PINS.resolve("subnets4").toString())));
    Outcome started = refusedStart();
    assertTrue(started.output().startsWith("culvert: "), started.output());
    assertEquals(1, problems().size(), problems().toString());
    ok(culvert("leave", "--config", config().toString()));
    assertEverythingIsGone();
  }

  /** The agent that is asked may find that it cannot; then it ends, and it is left without it. */
  @Test
  void anAgentWhoseJarsWereReplacedCanBeLeft() throws Exception {
    Process agent = startAndReplaceJars();
    Outcome left = culvert("leave", "--config", config().toString());
    if (left.exitCode() != 0) {
      assertTrue(agent.waitFor(END_SECONDS, TimeUnit.SECONDS), left.output() + log(agent));
      ok(culvert("leave", "--config", config().toString()));
    }
    assertEverythingIsGone();
  }

  /** By an upgrade that writes over them; classes that were not needed yet are gone then. */
  @Test
  void jarsThatAreReplacedUnderItDoNotHangIt() throws Exception {
    Process agent = startAndReplaceJars();
    Outcome attached = culvert("attach", CONTAINER, "--host", HOST);
    assertTrue(attached.exitCode() <= 1, attached.output());
    Outcome status = culvert("status", "--host", HOST);
    assertEquals(0, status.exitCode(), status.output());
    if (agent.isAlive()) {
      endsAtOnce(agent, "TERM");
    } else {
      assertTrue(log(agent).contains("were its files replaced?"), log(agent));
    }
    Process next = startAgent(); // and all goes on
    assertEquals(
        attached.exitCode() == 0 ? 1 : 0, list("endpoints").size(), log(next) + log(agent));
  }

  private Process startAndReplaceJars() throws Exception {
    List<Path> jars = jars();
    String classPath = String.join(":", jars.stream().map(Path::toString).toList());
    Path ready = folder.resolve("ready-0");
    Process agent =
        launch(
            commandOf(
                classPath,
                "agent",
                "--config",
                config().toString(),
                "--ready-file",
                ready.toString()));
    awaitReady(agent);
    for (Path jar : jars) {
      try (OutputStream out = Files.newOutputStream(jar)) { // the same file, not another
        out.write(new byte[(int) Math.min(Files.size(jar), 1 << 20)]);
      }
    }
    return agent;
  }

  /** The class path as it is installed: jars alone. */
  private List<Path> jars() throws IOException {
    List<Path> jars = new ArrayList<>();
    for (String part : System.getProperty("java.class.path").split(":", -1)) {
      Path from = Path.of(part);
      Path jar = folder.resolve("part-" + jars.size() + ".jar");
      if (Files.isDirectory(from)) {
        pack(from, jar);
      } else if (Files.exists(from)) {
        Files.copy(from, jar);
      } else {
        continue;
      }
      jars.add(jar);
    }
    return jars;
  }

  private static void pack(Path directory, Path jar) throws IOException {
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(jar));
        Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        out.putNextEntry(new ZipEntry(directory.relativize(file).toString()));
        Files.copy(file, out);
        out.closeEntry();
      }
    }
    assertFalse(Files.size(jar) == 0);
  }
}
