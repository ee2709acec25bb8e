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
  private final Log log;

  Running(Shell shell, Process process, Command command, Log log) {
    this.shell = shell;
    this.process = process;
    this.command = command;
    this.log = log;
  }

  /**
   * Where its output goes.
   *
   * @param start bytes that the file had before: an earlier child's of the same name
   */
  record Log(Path file, long start) {
    /** From the file's present end. */
    static Log at(Path file) {
      return new Log(file, file.toFile().length()); // 0 where there is none
    }

    private String text() {
      try (InputStream in = Files.newInputStream(file)) {
        in.skipNBytes(start);
        return new String(in.readAllBytes(), StandardCharsets.UTF_8);
      } catch (IOException e) {
        return "";
      }
    }
  }

  public long pid() {
    return process.pid();
  }

  public boolean alive() {
    return process.isAlive();
  }

  /** All that it has printed so far. */
  public String log() {
    return log.text();
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
