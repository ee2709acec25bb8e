// SPDX-License-Identifier: Apache-2.0
package dev.culvert.measure;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * What all processors of the machine have worked, soft interrupts included, in which most of a
 * datapath runs: user, nice, system, irq and softirq of /proc/stat (proc(5)). What other programs
 * did meanwhile is in it. Ticks of 10 ms: too coarse for turns much below half a second.
 */
public final class ProcessorTime {
  /** USER_HZ, which is the same for user space on every architecture that we know. */
  private static final double TICKS_PER_SECOND = 100;

  private static final int[] BUSY_COLUMNS = {1, 2, 3, 6, 7};

  private ProcessorTime() {}

  /** Seconds since the machine started. */
  public static double busySeconds() {
    try {
      return busySeconds(Files.readString(Path.of("/proc/stat")));
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read /proc/stat.", e);
    }
  }

  static double busySeconds(String stat) {
    String[] words = stat.lines().findFirst().orElse("").split(" +", -1);
    if (words.length < 8 || !words[0].equals("cpu")) {
      throw new IllegalArgumentException("/proc/stat does not begin with the line \"cpu\".");
    }
    return Arrays.stream(BUSY_COLUMNS).mapToLong(column -> Long.parseLong(words[column])).sum()
        / TICKS_PER_SECOND;
  }
}
