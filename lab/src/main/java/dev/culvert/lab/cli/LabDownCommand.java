// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.cli;

import dev.culvert.lab.Cleaner;
import dev.culvert.lab.LabState;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Removes the lab. */
@Command(name = "down", description = "Remove the lab, or what a killed one left behind.")
public final class LabDownCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    LabCommand.requireRoot();
    try (LabState state = LabState.open()) {
      if (!state.exists()) {
        spec.commandLine().getOut().println("No lab is up.");
        return;
      }
      String since = state.since();
      new Cleaner(state).clean();
      spec.commandLine().getOut().println("The lab of " + since + " is gone.");
    }
  }
}
