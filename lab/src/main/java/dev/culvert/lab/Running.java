// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/** A child that runs until it is stopped. */
public final class Running implements AutoCloseable {
  private static final Duration GRACE = Duration.ofSeconds(5);

  private final Shell shell;
  private final Process process;
  private final Command command;
  private final Path log;
  private final long logStart;

  /**
   * @param logStart bytes that the log had before: an earlier child's of the same name
   */
  Running(Shell shell, Process process, Command command, Path log, long logStart) {
    this.shell = shell;
    this.process = process;
    this.command = command;
    this.log = log;
    this.logStart = logStart;
  }

  public long pid() {
    return process.pid();
  }

  public boolean alive() {
    return process.isAlive();
  }

  /** All that it has printed so far. */
  public String log() {
    try (InputStream in = Files.newInputStream(log)) {
      in.skipNBytes(logStart);
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      return "";
    }
  }

  /**
   * Waits until its output has a text.
   *
   * @throws LabException when it ends before, or does not say so in time
   */
  public void awaitOutput(String text, Duration patience) {
    Patience.until(
        "\"" + command + "\" to say \"" + text + "\"",
        patience,
        () -> {
          if (log().contains(text)) {
            return true;
          }
          if (!alive()) {
            throw new LabException(
                "\"%s\" ended early: %s"
                    .formatted(command, log().strip().lines().findFirst().orElse("no output")));
          }
          return false;
        });
  }

  /** Lets it live on when the lab's process ends. */
  public void detach() {
    shell.forget(process);
  }

  /** SIGKILL. */
  public void kill() {
    process.destroyForcibly();
    Shell.end(process, GRACE);
    shell.forget(process);
  }

  /** SIGTERM, and SIGKILL when that does not help. */
  @Override
  public void close() {
    process.destroy();
    Shell.end(process, GRACE);
    shell.forget(process);
  }
}
