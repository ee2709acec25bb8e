// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.plugin;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A call that was started. */
public final class RunningCall {
  private final String plugin;
  private final Call call;
  private final Process process;
  private final Duration bound;
  private final long startNs = System.nanoTime();
  private final CompletableFuture<String> stdout;
  private final CompletableFuture<String> stderr;

  RunningCall(String plugin, Call call, Process process, Duration bound) {
    this.plugin = plugin;
    this.call = call;
    this.process = process;
    this.bound = bound;
    stdout = read(process.getInputStream());
    stderr = read(process.getErrorStream());
    Thread.startVirtualThread(this::write);
  }

  private static CompletableFuture<String> read(InputStream stream) {
    CompletableFuture<String> all = new CompletableFuture<>();
    Thread.startVirtualThread(() -> {
      try (stream) {
        all.complete(new String(stream.readAllBytes(), StandardCharsets.UTF_8));
      } catch (IOException e) {
        all.completeExceptionally(e);
      }
    });
    return all;
  }

  private void write() {
    try (OutputStream stdin = process.getOutputStream()) {
      stdin.write(call.input().getBytes(StandardCharsets.UTF_8));
    } catch (IOException ignored) {
      // A plugin need not read its input (VERSION), and a killed one cannot.
    }
  }

  void onEnd(Runnable action) {
    var _ = process.onExit().thenRun(action);
  }

  /** Waits for its end, or for the bound, and has then killed it. */
  public Answer await() {
    try {
      if (!process.waitFor(remainingNs(), TimeUnit.NANOSECONDS)) {
        return hung();
      }
      String out = stdout.get(remainingNs(), TimeUnit.NANOSECONDS);
      String err = stderr.get(remainingNs(), TimeUnit.NANOSECONDS);
      return new Answer(
          call.command() + " of " + plugin, process.exitValue(), out, err, bound, false);
    } catch (TimeoutException e) {
      return hung();
    } catch (ExecutionException e) {
      throw new IllegalStateException("What the plugin wrote cannot be read.", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      kill();
      throw new IllegalStateException("Interrupted while waiting for the plugin.", e);
    }
  }

  private long remainingNs() {
    return Math.max(1_000_000, bound.toNanos() - (System.nanoTime() - startNs));
  }

  private Answer hung() {
    kill();
    relatives().forEach(ProcessHandle::destroyForcibly);
    return new Answer(call.command() + " of " + plugin, -1, "", "", bound, true);
  }

  /** SIGKILL for the plugin, and not for what it started. */
  public void kill() {
    process.destroyForcibly();
  }

  /**
   * SIGKILL, and a wait for the end of what the plugin had started: a runtime, too, waits until
   * nobody holds the pipes any more.
   */
  public void killAndWait() {
    kill();
    var _ = process.onExit().join();
    try {
      for (ProcessHandle relative : relatives()) {
        var _ = relative.onExit().get(bound.toNanos(), TimeUnit.NANOSECONDS);
      }
    } catch (TimeoutException e) {
      relatives().forEach(ProcessHandle::destroyForcibly);
    } catch (ExecutionException | InterruptedException e) {
      throw new IllegalStateException("What the plugin started cannot be waited for.", e);
    }
  }

  /**
   * What the plugin started, found by the container in its environment: after the plugin's end they
   * are nobody's children. None for a call without a container.
   */
  private List<ProcessHandle> relatives() {
    String id = call.environment().getOrDefault("CNI_CONTAINERID", "");
    return id.isEmpty()
        ? List.of()
        : ProcessHandle.allProcesses().filter(other -> hasInEnvironment(other, id)).toList();
  }

  private static boolean hasInEnvironment(ProcessHandle other, String id) {
    try {
      String all =
          Files.readString(
              Path.of("/proc/" + other.pid() + "/environ"), StandardCharsets.ISO_8859_1);
      return List.of(all.split("\0")).contains("CNI_CONTAINERID=" + id);
    } catch (IOException goneOrForeign) {
      return false;
    }
  }

  /** How long it has been running, or a moment ago ended. */
  public long elapsedNs() {
    return System.nanoTime() - startNs;
  }
}
