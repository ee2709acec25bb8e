// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/**
 * Runs the lab's tools. Every child that still runs is known, and ended when the shell closes. May
 * be used by several threads.
 */
public final class Shell implements AutoCloseable {
  /** What a command left. */
  public record Result(int exitCode, String out, String err) {
    public boolean ok() {
      return exitCode == 0;
    }
  }

  private static final Executor READERS =
      task -> Thread.ofPlatform().daemon().name("lab-output").start(task);
  private static final Duration GRACE = Duration.ofSeconds(3);

  private final Set<Process> children = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  /**
   * Runs a command to its end, whatever it answers, and whether or not it reads its input.
   *
   * @throws LabException when it cannot be started or takes too long
   */
  public Result run(Command command) {
    Process process = spawn(command, new ProcessBuilder(command.words()));
    try {
      CompletableFuture<String> out = reader(process.getInputStream());
      CompletableFuture<String> err = reader(process.getErrorStream());
      feed(process, command.input());
      if (!process.waitFor(command.timeout().toMillis(), TimeUnit.MILLISECONDS)) {
        process.destroyForcibly();
        throw new LabException(
            "\"%s\" did not end within %d s.".formatted(command, command.timeout().toSeconds()));
      }
      return new Result(process.exitValue(), out.join(), err.join());
    } catch (CompletionException e) {
      throw new LabException("Cannot read what \"" + command + "\" says.", e);
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
      throw new LabException("Interrupted while \"" + command + "\" ran.", e);
    } finally {
      children.remove(process);
    }
  }

  /**
   * Runs a command that must succeed.
   *
   * @return what it printed
   * @throws LabException with the first line of its errors when it fails
   */
  public String output(Command command) {
    Result result = run(command);
    if (!result.ok()) {
      throw new LabException(
          "\"%s\" failed (exit code %d): %s"
              .formatted(command, result.exitCode(), complaint(result)));
    }
    return result.out();
  }

  /** The same, where what it printed does not matter. */
  public void check(Command command) {
    var _ = output(command);
  }

  /** Starts a command that runs until it is stopped. Its output goes to the file. */
  public Running start(Command command, Path log) {
    ProcessBuilder builder =
        new ProcessBuilder(command.words())
            .redirectErrorStream(true)
            .redirectOutput(Redirect.appendTo(log.toFile()))
            .redirectInput(Redirect.from(Path.of("/dev/null").toFile()));
    Running.Log from = Running.Log.at(log); // before the child writes into it
    return new Running(this, spawn(command, builder), command, from);
  }

  private Process spawn(Command command, ProcessBuilder builder) {
    if (closed) {
      throw new LabException("The lab is being taken down.");
    }
    // A root shell of su or cron may lack these.
    builder.environment().merge("PATH", "/usr/sbin:/sbin", (path, sbin) -> path + ":" + sbin);
    builder.environment().put("LC_ALL", "C.UTF-8");
    try {
      Process process = builder.start();
      children.add(process);
      return process;
    } catch (IOException e) {
      throw new LabException(
          "Cannot start \"%s\": %s.".formatted(command.words().getFirst(), e.getMessage()), e);
    }
  }

  /** On a thread of its own: what a command does not read must not hold up its time limit. */
  private static void feed(Process process, String input) {
    var _ = Thread.ofVirtual().name("lab-input").start(() -> write(process, input));
  }

  private static void write(Process process, String input) {
    try (OutputStream stdin = process.getOutputStream()) {
      stdin.write(input.getBytes(StandardCharsets.UTF_8));
    } catch (IOException endedEarly) {
      // Its exit code and errors tell more than a broken pipe.
      return;
    }
  }

  private static CompletableFuture<String> reader(InputStream stream) {
    return CompletableFuture.supplyAsync(
        () -> {
          try (stream) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        },
        READERS);
  }

  private static String complaint(Result result) {
    String text = result.err().isBlank() ? result.out() : result.err();
    return text.strip().lines().findFirst().orElse("it said nothing");
  }

  void forget(Process process) {
    children.remove(process);
  }

  /** Ends all children: politely, then not. No new ones can be started. */
  @Override
  public void close() {
    closed = true;
    children.forEach(Process::destroy);
    children.forEach(process -> end(process, GRACE));
    children.clear();
  }

  /** Waits for a process that was told to end, and kills it when it does not. */
  static void end(Process process, Duration patience) {
    try {
      if (!process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
        process.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
