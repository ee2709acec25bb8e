// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.culvert.testing.RequiresRoot;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Whatever is killed in the middle of many calls, no address is given twice, and after GC nothing
 * is left. {@code -Dcni.seed=N} repeats a run, {@code -Dcni.rounds} and {@code -Dcni.containers}
 * make it longer.
 */
@Tag("netns")
@RequiresRoot
class CniCrashNetnsTest extends CniFixture {
  private static final int ROUNDS = Integer.getInteger("cni.rounds", 3);
  private static final int CONTAINERS = Integer.getInteger("cni.containers", 24);

  @Test
  void nothingIsLeftOfWhatWasKilled() throws Exception {
    long seed = Long.getLong("cni.seed", System.nanoTime());
    System.out.println("cni.seed=" + seed);
    Random random = new Random(seed);
    List<String> containers = new ArrayList<>();
    for (int i = 0; i < CONTAINERS; i++) {
      containers.add("c" + i);
      addNamespace("c" + i);
    }
    for (int round = 0; round < ROUNDS; round++) {
      Map<String, Object> known = addAndKill(containers, random);
      startAgent(FIRST);
      Set<String> addresses = new HashSet<>();
      for (Object endpoint : endpoints(FIRST)) {
        addresses.add((String) ((Map<?, ?>) endpoint).get("address"));
      }
      assertEquals(
          endpoints(FIRST).size(), addresses.size(), "an address was given twice: seed " + seed);
      known.forEach((_, address) ->
          assertEquals(true, addresses.contains(address), "an answered ADD is lost: seed " + seed));
      deleteAndKill(containers, random);
      startAgent(FIRST);
      assertEquals(
          new Outcome(0, ""),
          call(FIRST, "GC", "none").config("cni.dev/valid-attachments", List.of()).run());
      assertNothingIsLeft("round " + round + " of seed " + seed);
    }
  }

  /** Some plugins die, then the agent; the addresses of the ADDs that were answered. */
  private Map<String, Object> addAndKill(List<String> containers, Random random) throws Exception {
    List<Process> running = startAll("ADD", containers);
    Thread.sleep(random.nextInt(150));
    for (Process each : running) {
      if (random.nextInt(5) == 0) {
        each.toHandle().destroyForcibly(); // whose streams stay open
      }
    }
    Thread.sleep(random.nextInt(150));
    killAgent(FIRST);
    Map<String, Object> answered = new HashMap<>();
    for (int i = 0; i < running.size(); i++) {
      Outcome outcome = end(running.get(i));
      if (outcome.exitCode() == 0) {
        answered.put(containers.get(i), address(outcome.json(), 0));
      }
    }
    return answered;
  }

  private void deleteAndKill(List<String> containers, Random random) throws Exception {
    List<Process> running = startAll("DEL", containers);
    Thread.sleep(random.nextInt(100));
    killAgent(FIRST);
    for (Process each : running) {
      assertEquals(new Outcome(0, ""), end(each), "DEL succeeds with an agent that dies");
    }
  }

  private List<Process> startAll(String command, List<String> containers) throws Exception {
    List<Process> running = new ArrayList<>();
    for (String container : containers) {
      running.add(call(FIRST, command, container).start());
    }
    return running;
  }

  private void assertNothingIsLeft(String when) throws Exception {
    assertEquals(List.of(), endpoints(FIRST), when);
    assertEquals(List.of(), notes(FIRST, "attachments"), when);
    assertEquals(List.of(), notes(FIRST, "deleted"), when);
    Outcome links = run(List.of("ip", "-n", name(FIRST), "-brief", "link", "show", "type", "veth"));
    assertEquals(1, links.output().lines().count(), () -> when + ": " + links.output());
  }
}
