// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** What people do in the store of leases, whichever it is. */
@Command(
    name = "store",
    description = "Look into the store of leases, and put right what is wrong there.",
    subcommands = {
      StoreListCommand.class,
      StoreGetCommand.class,
      StoreReleaseCommand.class,
      StoreCheckCommand.class,
      StoreNetworkCommand.class,
    },
    synopsisSubcommandLabel = "COMMAND")
public final class StoreCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(
        spec.commandLine(),
        "Which command? One of " + String.join(", ", spec.subcommands().keySet()) + ".");
  }
}
