// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.plugin;

import dev.culvert.cni.conformance.net.StoppedException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** A plugin's binary, called as runtimes call it. Safe for use by several threads. */
public final class Plugin {
  /**
   * Where and how it is called.
   *
   * @param cniPath the value of CNI_PATH
   * @param host the network namespace that it is called in: a path, or empty for the kit's own
   * @param bound how long a call may take; it is killed then
   */
  public record Settings(Path executable, String cniPath, String host, Duration bound) {}

  private final Settings settings;
  private final Set<RunningCall> running = ConcurrentHashMap.newKeySet();
  private final AtomicInteger hangs = new AtomicInteger();
  private volatile Thread closer;

  public Plugin(Settings settings) {
    this.settings = settings;
  }

  public String cniPath() {
    return settings.cniPath();
  }

  public String name() {
    return settings.executable().getFileName().toString();
  }

  /** Calls it and waits for its end, or for the bound. */
  public Answer call(Call call) {
    Answer answer = start(call).await();
    if (answer.hung()) {
      hangs.incrementAndGet();
    }
    return answer;
  }

  /** How many calls had to be killed since they did not end. */
  public int hangs() {
    return hangs.get();
  }

  /** Calls it without waiting. */
  public RunningCall start(Call call) {
    if (closer != null && !Thread.currentThread().equals(closer)) {
      throw new StoppedException();
    }
    List<String> command = new ArrayList<>();
    if (!settings.host().isEmpty()) {
      // Unlike "ip netns exec" it leaves the mounts alone, /sys/fs/bpf among them. It becomes the
      // plugin, under one pid.
      command.addAll(List.of("nsenter", "--net=" + settings.host()));
    }
    command.add(settings.executable().toString());
    ProcessBuilder builder = new ProcessBuilder(command);
    Map<String, String> environment = builder.environment();
    environment.keySet().removeIf(name -> name.startsWith("CNI_"));
    environment.putAll(call.environment());
    try {
      RunningCall started = new RunningCall(name(), call, builder.start(), settings.bound());
      running.add(started);
      started.onEnd(() -> running.remove(started));
      return started;
    } catch (IOException e) {
      throw new UncheckedIOException("The plugin cannot be started: " + e.getMessage(), e);
    }
  }

  /** Ends what runs; from now on nobody but this thread starts anything. */
  public void reserveForThisThread() {
    closer = Thread.currentThread();
    running.forEach(RunningCall::kill);
  }
}
