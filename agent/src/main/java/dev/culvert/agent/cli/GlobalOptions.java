// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.StderrLogger;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** Options that every command takes. */
public final class GlobalOptions {
  /** Named in {@link Errors}, which runs when options may not have been read. */
  static final String DEBUG = "--debug";

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      scope = ScopeType.INHERIT,
      description = "Show this help.")
  @SuppressWarnings("UnusedVariable") // picocli reads it
  private boolean help;

  @Option(
      names = DEBUG,
      scope = ScopeType.INHERIT,
      description = "Show stack traces, and log everything.")
  void debug(boolean on) {
    if (on) {
      StderrLogger.setLevel(System.Logger.Level.TRACE);
    }
  }

  @Option(
      names = {"-v", "--verbose"},
      scope = ScopeType.INHERIT,
      description = "Log more to the error stream; twice for details.")
  void verbose(boolean[] times) {
    if (times != null && times.length > 0) {
      StderrLogger.setLevel(
          times.length > 1 ? System.Logger.Level.TRACE : System.Logger.Level.DEBUG);
    }
  }
}
