// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import java.io.Console;
import java.io.PrintWriter;

/**
 * What a person sees while the lab works: lines that stay, and on a terminal a last line that says
 * what is going on. Elsewhere the latter shows only when nothing else was said for a while.
 */
public final class Progress {
  private static final long SILENCE_NS = 3_000_000_000L;
  private static final String ERASE_LINE = "\r\033[K";
  private static final int TERMINAL_COLUMNS = 100;

  private final PrintWriter out;
  private final boolean terminal;
  private final long startedNs = System.nanoTime();
  private long lastLineNs = startedNs;
  private boolean mute;

  public Progress(PrintWriter out) {
    this(out, isTerminal());
  }

  Progress(PrintWriter out, boolean terminal) {
    this.out = out;
    this.terminal = terminal;
  }

  @SuppressWarnings("SystemConsoleNull") // it is null again on JDK 25 with the output redirected
  private static boolean isTerminal() {
    Console console = System.console();
    return console != null && console.isTerminal();
  }

  /** Since the beginning. */
  public double elapsedSeconds() {
    return (System.nanoTime() - startedNs) / 1e9;
  }

  /** A line that stays. */
  public synchronized void line(String text) {
    if (mute) {
      return;
    }
    out.println((terminal ? ERASE_LINE : "") + text);
    out.flush();
    lastLineNs = System.nanoTime();
  }

  /** What is going on now. */
  public synchronized void now(String what) {
    if (mute) {
      return;
    }
    String text = "[%5.1f s] %s ...".formatted(elapsedSeconds(), what);
    if (terminal) {
      out.print(ERASE_LINE + text.substring(0, Math.min(text.length(), TERMINAL_COLUMNS)));
      out.flush();
    } else if (System.nanoTime() - lastLineNs > SILENCE_NS) {
      line(text);
    }
  }

  /** A last line: what is said after that is not printed. */
  synchronized void lastLine(String text) {
    line(text);
    mute = true;
  }

  /** Nothing is going on any more. */
  public synchronized void done() {
    if (terminal) {
      out.print(ERASE_LINE);
      out.flush();
    }
  }
}
