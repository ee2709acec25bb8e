// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.host;

import dev.culvert.kernel.RefusedException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * How many CPUs the kernel makes room for in per-CPU maps: those that may ever be plugged in, not
 * those that run now (source: Documentation/admin-guide/cputopology.rst).
 */
public final class PossibleCpus {
  private static final Path FILE = Path.of("/sys/devices/system/cpu/possible");

  private PossibleCpus() {}

  public static int count() {
    try {
      return count(Files.readString(FILE));
    } catch (IOException e) {
      throw new RefusedException(
          "Cannot read " + FILE + ", which tells the size of per-CPU maps: mount /sys.", e);
    }
  }

  /** Counts a list such as {@code 0-3,8}. */
  static int count(String list) {
    int count = 0;
    for (String range : list.strip().split(",", -1)) {
      String[] ends = range.split("-", 2);
      try {
        int first = Integer.parseInt(ends[0]);
        count += Integer.parseInt(ends[ends.length - 1]) - first + 1;
      } catch (NumberFormatException e) {
        throw new IllegalArgumentException(
            FILE + " holds \"" + list.strip() + "\", which is no list of CPUs.", e);
      }
    }
    return count;
  }
}
