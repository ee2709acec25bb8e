// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.control.LeaseStoreException;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.RefusedException;
import java.io.PrintWriter;
import picocli.CommandLine;

/**
 * What a person sees when something went wrong: one sentence, and a stack trace only with --debug.
 * Our own faults show it always: whoever reports one sends it along.
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
    if (!isMeantForPeople(e) || parsed.originalArgs().contains(GlobalOptions.DEBUG)) {
      e.printStackTrace(err);
    }
    return CommandLine.ExitCode.SOFTWARE;
  }

  static String explain(Throwable e) {
    if (isMeantForPeople(e)) {
      return sentence(e.getMessage().strip());
    }
    return "Unexpected "
        + e.getClass().getSimpleName()
        + (e.getMessage() == null ? "" : " (" + e.getMessage().strip() + ")")
        + "; this is a fault in Culvert, please report it with what follows.";
  }

  /** Refused by us, by the kernel, or by the store: the sentence says all that is to be known. */
  private static boolean isMeantForPeople(Throwable e) {
    return e instanceof RefusedException
        || e instanceof KernelException
        || e instanceof LeaseStoreException;
  }

  private static String sentence(String text) {
    return text.matches("(?s).*[.?!]") ? text : text + ".";
  }
}
