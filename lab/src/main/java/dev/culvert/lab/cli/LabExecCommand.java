// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.cli;

import dev.culvert.lab.LabException;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Namespaces;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Runs a command inside the lab. */
@Command(
    name = "exec",
    description = {
      "Run a command on a node of the lab; its exit code is ours.",
      "For example: culvert lab exec container-3 -- ping -c3 10.244.2.4"
    })
public final class LabExecCommand implements Callable<Integer> {
  @Parameters(
      index = "0",
      paramLabel = "NODE",
      description = "container-3, host-01, router and so on.")
  private String node;

  @Parameters(
      index = "1..*",
      arity = "1..*",
      paramLabel = "COMMAND",
      description = "The command and its arguments, after \"--\".")
  private List<String> command;

  @Override
  public Integer call() {
    LabCommand.requireRoot();
    List<String> words = new ArrayList<>(Namespaces.enter(namespace()));
    words.addAll(command);
    try {
      Process process = new ProcessBuilder(words).inheritIO().start();
      // Ctrl-C reaches the command as well: let it have its last word before we go.
      Runtime.getRuntime().addShutdownHook(new Thread(() -> awaitQuietly(process)));
      return process.waitFor();
    } catch (IOException e) {
      throw new LabException("Cannot run nsenter: " + e.getMessage() + ".", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LabException("Interrupted.", e);
    }
  }

  private static void awaitQuietly(Process process) {
    try {
      var _ = process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private String namespace() {
    String plain = node.startsWith(LabPlan.PREFIX) ? node : LabPlan.PREFIX + node;
    if (Namespaces.exists(plain)) {
      return plain;
    }
    List<String> nodes =
        Namespaces.startingWith(LabPlan.PREFIX).stream()
            .map(name -> name.substring(LabPlan.PREFIX.length()))
            .toList();
    throw new LabException(
        nodes.isEmpty()
            ? "No lab is up; \"./culvert lab up\" builds one."
            : "The lab has no node %s, only %s.".formatted(node, String.join(", ", nodes)));
  }
}
