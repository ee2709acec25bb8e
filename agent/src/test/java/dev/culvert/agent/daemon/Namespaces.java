// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.testing.Commands;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * A test's own network namespaces, and what is done there by the system's tools.
 *
 * @param prefix of all their names
 * @param patienceSeconds for what comes by itself
 */
record Namespaces(String prefix, long patienceSeconds) {
  String name(String name) {
    return prefix + "-" + name;
  }

  void ip(String namespace, String command) throws Exception {
    String _ = run("ip -n " + name(namespace) + " " + command);
  }

  String in(String namespace, String command) throws Exception {
    return run("ip netns exec " + name(namespace) + " " + command);
  }

  static String run(String command) throws Exception {
    return Commands.run(command.split(" ", -1));
  }

  /** Whether or not it succeeds. */
  static String tryRun(String command) {
    return Commands.tryRun(command.split(" ", -1));
  }

  void await(String what, BooleanSupplier condition) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(patienceSeconds);
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < deadline, "it never came that " + what);
      Thread.sleep(50);
    }
  }
}
