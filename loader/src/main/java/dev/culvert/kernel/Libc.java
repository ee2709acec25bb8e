// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel;

import dev.culvert.kernel.system.Syscall.Architecture;
import dev.culvert.kernel.system.SystemCalls;

/**
 * The kernel, as everything here is handed it: {@link #system()} is the real one. An opaque handle
 * for whoever embeds Culvert; usable from any thread.
 */
@FunctionalInterface
@SuppressWarnings("exports") // What it can do is for this module and its tests alone.
public interface Libc extends SystemCalls {
  /**
   * {@return the real kernel, the same object for all}
   *
   * @throws RefusedException on a machine that is neither amd64 nor aarch64
   */
  static Libc system() {
    if (!Architecture.isKnown()) {
      throw new RefusedException(
          "Culvert knows the system calls of amd64 and aarch64, not of "
              + System.getProperty("os.arch")
              + ".");
    }
    return SystemLibc.INSTANCE;
  }
}
