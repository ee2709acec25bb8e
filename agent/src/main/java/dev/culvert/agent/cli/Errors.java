// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.control.LeaseStoreException;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.RefusedException;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine;

/**
 * What a person sees when something went wrong: one sentence, and a stack trace only with --debug.
 */
public final class Errors {
  private Errors() {}

  /** The command line was wrong. */
  public static int usage(CommandLine.ParameterException e, String[] args) {
    CommandLine line = e.getCommandLine();
    line.getErr()
        .println(
            "culvert: "
                + sentence(e.getMessage().replaceFirst("^Error: ", ""))
                + " Try: "
                + line.getCommandSpec().qualifiedName()
                + " --help");
    return CommandLine.ExitCode.USAGE;
  }

  /** A command failed. */
  public static int failure(Exception e, CommandLine line, CommandLine.ParseResult parsed) {
    PrintWriter err = line.getErr();
    err.println("culvert: " + explain(e));
    if (parsed.originalArgs().contains(GlobalOptions.DEBUG)) {
      e.printStackTrace(err);
    }
    return CommandLine.ExitCode.SOFTWARE;
  }

  static String explain(Throwable e) {
    String message = e.getMessage() == null ? "" : e.getMessage().strip();
    if (isMeantForPeople(e) && !message.isEmpty()) {
      return sentence(message);
    }
    return "Unexpected "
        + e.getClass().getSimpleName()
        + (message.isEmpty() ? "" : " (" + message + ")")
        + "; this is a fault in Culvert, please report it with the output of the same command and "
        + GlobalOptions.DEBUG
        + ".";
  }

  private static boolean isMeantForPeople(Throwable e) {
    List<Class<? extends RuntimeException>> kinds =
        List.of(
            RefusedException.class,
            KernelException.class,
            LeaseStoreException.class,
            IllegalArgumentException.class,
            IllegalStateException.class,
            UnsupportedOperationException.class);
    return kinds.stream().anyMatch(kind -> kind.isInstance(e));
  }

  private static String sentence(String text) {
    return text.matches("(?s).*[.?!]") ? text : text + ".";
  }
}
