// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent;

import dev.culvert.agent.cli.AgentCommand;
import dev.culvert.agent.cli.AttachCommand;
import dev.culvert.agent.cli.Commands;
import dev.culvert.agent.cli.CountersCommand;
import dev.culvert.agent.cli.DetachCommand;
import dev.culvert.agent.cli.DoctorCommand;
import dev.culvert.agent.cli.EndpointsCommand;
import dev.culvert.agent.cli.Errors;
import dev.culvert.agent.cli.ExplainCommand;
import dev.culvert.agent.cli.GlobalOptions;
import dev.culvert.agent.cli.LeaveCommand;
import dev.culvert.agent.cli.StatusCommand;
import dev.culvert.agent.cli.SubnetsCommand;
import dev.culvert.agent.cli.TableReader;
import dev.culvert.agent.cli.TraceCommand;
import dev.culvert.agent.cli.VersionCommand;
import dev.culvert.agent.lab.LabCommand;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
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
      LeaveCommand.class,
      DoctorCommand.class,
      LabCommand.class,
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
    PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
    PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    int exitCode = commandLine(out, err, TableReader.kernel()).execute(args);
    out.flush();
    err.flush();
    System.exit(exitCode);
  }

  /** The whole command line, writing where it is told; for tests too. */
  static CommandLine commandLine(PrintWriter out, PrintWriter err, TableReader reader) {
    CommandLine line = new CommandLine(new Main(), new Commands(reader));
    line.setOut(out);
    line.setErr(err);
    line.setUsageHelpAutoWidth(false);
    line.setUsageHelpWidth(100);
    line.setParameterExceptionHandler(Errors::usage);
    line.setExecutionExceptionHandler(Errors::failure);
    return line;
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
