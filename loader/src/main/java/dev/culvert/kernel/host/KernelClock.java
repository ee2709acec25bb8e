// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.host;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.system.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The clock that BPF programs read with bpf_ktime_get_ns: CLOCK_MONOTONIC, nanoseconds since the
 * machine started, not counting sleep.
 */
public final class KernelClock {
  private static final int CLOCK_MONOTONIC = 1;

  private KernelClock() {}

  /**
   * {@return now, in ns}
   *
   * @param libc the way to the kernel
   */
  public static long monotonicNs(Libc libc) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment timespec = arena.allocate(16, 8);
      long _ =
          KernelException.check(
              libc.call(Syscall.CLOCK_GETTIME, CLOCK_MONOTONIC, timespec.address(), 0, 0, 0, 0),
              "clock_gettime",
              "CLOCK_MONOTONIC",
              "");
      return timespec.get(JAVA_LONG, 0) * 1_000_000_000L + timespec.get(JAVA_LONG, 8);
    }
  }
}
