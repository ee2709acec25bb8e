// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.cli;

import dev.culvert.agent.cli.GlobalOptions;
import dev.culvert.lab.LabException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** The lab: hosts, router and containers as network namespaces of this machine. */
@Command(
    name = "culvert lab",
    description = {
      "Hosts, a router and containers as network namespaces of this machine, with a real agent"
          + " for each host.",
      "Nothing outside of the lab's own namespaces is touched, and all of it is removed."
    },
    subcommands = {
      LabRunCommand.class,
      LabUpCommand.class,
      LabExecCommand.class,
      LabDownCommand.class
    },
    synopsisSubcommandLabel = "COMMAND")
public final class LabCommand implements Runnable {
  @Mixin
  @SuppressWarnings("UnusedVariable") // picocli reads it
  private GlobalOptions options;

  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(
        spec.commandLine(),
        "Which lab command? One of " + String.join(", ", spec.subcommands().keySet()) + ".");
  }

  /**
   * Refuses early what would fail late.
   *
   * @throws LabException for anybody but root
   */
  public static void requireRoot() {
    try {
      if (!Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"))) {
        throw new LabException(
            "The lab makes network namespaces, which only root may: try it with sudo.");
      }
    } catch (IOException e) {
      throw new LabException("The lab needs Linux with /proc.", e);
    }
  }
}
