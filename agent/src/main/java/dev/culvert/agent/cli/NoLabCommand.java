// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.UserException;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Unmatched;

/**
 * "lab" where the lab is not: "./culvert" of a source tree starts the lab's own program instead.
 */
@Command(
    name = "lab",
    description = "Hosts and containers as network namespaces; in the source tree alone.")
public final class NoLabCommand implements Runnable {
  @Unmatched
  @SuppressWarnings("UnusedVariable") // picocli fills it: whatever was asked, this is the answer
  private List<String> words;

  @Override
  public void run() {
    throw new UserException(
        "The lab is in Culvert's source tree, not in what is installed: run \"sudo ./culvert lab\" there.");
  }
}
