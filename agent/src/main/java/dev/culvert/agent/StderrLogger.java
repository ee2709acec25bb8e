// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent;

import java.io.PrintStream;
import java.text.MessageFormat;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ResourceBundle;

/** One line for each message, on the error stream: where service managers look. */
public final class StderrLogger implements System.Logger {
  // A process has one error stream and one verbosity; both belong to the program, not to a library.
  private static volatile Level threshold = Level.INFO;

  private final String name;
  private final PrintStream stream;

  StderrLogger(String name, PrintStream stream) {
    this.name = name;
    this.stream = stream;
  }

  /** The least important level that is still shown; INFO at first. */
  public static void setLevel(Level level) {
    threshold = level;
  }

  @Override
  public String getName() {
    return name;
  }

  @Override
  public boolean isLoggable(Level level) {
    // The JDK's own words are of interest only when something is wrong, however curious one is.
    Level least = name.startsWith("dev.culvert") ? threshold : Level.WARNING;
    return level != Level.OFF && level.getSeverity() >= least.getSeverity();
  }

  @Override
  public void log(Level level, ResourceBundle bundle, String message, Throwable thrown) {
    if (!isLoggable(level)) {
      return;
    }
    String cause = thrown == null ? "" : ": " + thrown;
    write(level, message + cause);
    if (thrown != null && threshold == Level.TRACE) {
      thrown.printStackTrace(stream);
    }
  }

  @Override
  public void log(Level level, ResourceBundle bundle, String format, Object... parameters) {
    if (isLoggable(level)) {
      write(
          level,
          parameters == null || parameters.length == 0
              ? format
              : MessageFormat.format(format, parameters));
    }
  }

  private void write(Level level, String text) {
    String oneLine = text.strip().replaceAll("\\s*\\R\\s*", " | ");
    stream.println(
        "%s %-7s %s: %s"
            .formatted(Instant.now().truncatedTo(ChronoUnit.MILLIS), level, name, oneLine));
  }

  /** Found through META-INF/services; keeps java.util.logging from being loaded. */
  public static final class Finder extends System.LoggerFinder {
    @Override
    public System.Logger getLogger(String name, Module module) {
      return new StderrLogger(name, System.err);
    }
  }
}
