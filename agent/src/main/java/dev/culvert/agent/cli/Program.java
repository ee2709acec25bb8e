// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.function.BiFunction;
import picocli.CommandLine;

/** What every program of ours has alike: its streams, the width of its help, how it fails. */
public final class Program {
  private static final int HELP_COLUMNS = 100;

  private Program() {}

  /**
   * Runs a command line on the process's own streams, in UTF-8.
   *
   * @param commandLine made with the stream for answers, and the one for errors
   * @return the exit code
   */
  public static int run(
      BiFunction<PrintWriter, PrintWriter, CommandLine> commandLine, String... arguments) {
    Output output = new Output(new FileOutputStream(FileDescriptor.out));
    PrintWriter out = new PrintWriter(new OutputStreamWriter(output, StandardCharsets.UTF_8), true);
    PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    int exitCode = commandLine.apply(out, err).execute(arguments);
    out.flush();
    if (exitCode == CommandLine.ExitCode.OK && output.failure().isPresent()) {
      err.println(
          "culvert: Not all that there was to say could be written: "
              + output.failure().get()
              + ".");
      exitCode = CommandLine.ExitCode.SOFTWARE;
    }
    err.flush();
    return exitCode;
  }

  /** Lets a command line write where it is told, and fail as {@link Errors} says. */
  public static CommandLine prepare(CommandLine line, PrintWriter out, PrintWriter err) {
    line.setOut(out);
    line.setErr(err);
    line.setUsageHelpAutoWidth(false);
    line.setUsageHelpWidth(HELP_COLUMNS);
    line.setParameterExceptionHandler(Errors::usage);
    line.setExecutionExceptionHandler(Errors::failure);
    return line;
  }
}
