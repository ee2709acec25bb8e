// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.cli;

import dev.culvert.agent.cli.Program;
import java.io.PrintWriter;
import picocli.CommandLine;

/**
 * The program behind "./culvert lab". Exit codes as those of {@link dev.culvert.agent.cli.Main}.
 */
public final class Main {
  private Main() {}

  public static void main(String[] args) {
    System.exit(Program.run(Main::commandLine, args));
  }

  /** Writing where it is told; for tests too. */
  static CommandLine commandLine(PrintWriter out, PrintWriter err) {
    return Program.prepare(new CommandLine(new LabCommand()), out, err);
  }
}
