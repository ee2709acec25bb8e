// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** The plugin for container runtimes. */
@Command(
    name = "cni",
    description = "Install the plugin for container runtimes, or take it away.",
    subcommands = {CniInstallCommand.class, CniUninstallCommand.class},
    synopsisSubcommandLabel = "COMMAND")
public final class CniCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(
        spec.commandLine(),
        "Which command? One of " + String.join(", ", spec.subcommands().keySet()) + ".");
  }
}
