// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Entry point. Exit codes: 0 all went well; 1 it failed, one sentence on the error stream says why;
 * 2 the command line was wrong. Nothing else ends the JVM.
 */
@Command(
    name = "culvert",
    description = "Containers on many hosts in one network.",
    versionProvider = VersionCommand.class,
    subcommands = {
      AgentCommand.class,
      StatusCommand.class,
      SubnetsCommand.class,
      EndpointsCommand.class,
      CountersCommand.class,
      TraceCommand.class,
      ExplainCommand.class,
      AttachCommand.class,
      DetachCommand.class,
      CniCommand.class,
      LeaveCommand.class,
      StoreCommand.class,
      DoctorCommand.class,
      NoLabCommand.class,
      VersionCommand.class,
    },
    synopsisSubcommandLabel = "COMMAND",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:all went well",
      "1:it failed; one sentence on the error stream says why",
      "2:the command line was wrong"
    })
public final class Main implements Runnable {
  @Mixin
  @SuppressWarnings("UnusedVariable") // picocli reads it
  private GlobalOptions options;

  @Option(
      names = {"-V", "--version"},
      versionHelp = true,
      description = "Say which Culvert and which JDK this is.")
  @SuppressWarnings("UnusedVariable") // picocli reads it
  private boolean version;

  @Spec private CommandSpec spec;

  /** The commands need it to be there; picocli makes it. */
  public Main() {}

  public static void main(String[] args) {
    System.exit(Program.run((out, err) -> commandLine(out, err, TableReader.kernel()), args));
  }

  /** The whole command line, writing where it is told; for tests too. */
  static CommandLine commandLine(PrintWriter out, PrintWriter err, TableReader reader) {
    return Program.prepare(new CommandLine(new Main(), new Commands(reader)), out, err);
  }

  @Override
  public void run() {
    throw new CommandLine.ParameterException(
        spec.commandLine(), "Which command? One of " + commands() + ".");
  }

  private String commands() {
    return String.join(", ", spec.subcommands().keySet());
  }
}
