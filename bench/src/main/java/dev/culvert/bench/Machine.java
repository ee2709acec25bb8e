// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench;

import dev.culvert.measure.ProcessorTime;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What it ran on: a figure is worth nothing without.
 *
 * @param busyBefore the part of all processors' time that others took just before the run: 0 on an
 *     idle machine, 1 on a busy one
 */
public record Machine(
    String processor,
    int processors,
    String kernel,
    String memory,
    String java,
    String mitigations,
    double busyBefore) {
  /** Above this, other programs disturb what is measured. */
  public static final double BUSY = 0.1;

  private static final int LOOK_MS = 1000;

  /** Processor, number of CPUs, kernel, Java, in one line without quotes. */
  public static String describe() {
    return "%s, %d CPUs, Linux %s, Java %s"
        .formatted(
            processor(read("/proc/cpuinfo")).replace('"', '\''),
            Runtime.getRuntime().availableProcessors(),
            System.getProperty("os.version"),
            Runtime.version());
  }

  /** Looks at this machine, for a second. */
  public static Machine read() {
    String cpu = read("/proc/cpuinfo");
    return new Machine(
        processor(cpu),
        Runtime.getRuntime().availableProcessors(),
        System.getProperty("os.version"),
        field(read("/proc/meminfo"), "MemTotal").orElse("unknown"),
        System.getProperty("java.vm.name") + " " + System.getProperty("java.version"),
        field(cpu, "bugs").orElse("none named"),
        busy());
  }

  private static String processor(String cpu) {
    return field(cpu, "model name").orElse(System.getProperty("os.arch"));
  }

  public boolean isBusy() {
    return busyBefore > BUSY;
  }

  private static double busy() {
    double before = ProcessorTime.busySeconds();
    long beginNs = System.nanoTime();
    try {
      Thread.sleep(LOOK_MS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    double seconds = (System.nanoTime() - beginNs) / 1e9;
    int processors = Runtime.getRuntime().availableProcessors();
    // Ticks that fall on the edges may make more than all.
    return Math.min(1, (ProcessorTime.busySeconds() - before) / seconds / processors);
  }

  private static Optional<String> field(String text, String name) {
    Matcher matcher = Pattern.compile("(?m)^" + name + "\\s*:\\s*(.+)$").matcher(text);
    return matcher.find() ? Optional.of(matcher.group(1).strip()) : Optional.empty();
  }

  private static String read(String file) {
    try {
      return Files.readString(Path.of(file));
    } catch (IOException e) {
      return "";
    }
  }
}
