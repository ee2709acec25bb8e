// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.system;

/**
 * The seam to the kernel: one entry, syscall(2). A test passes an implementation of its own and so
 * meets any errno without root.
 *
 * <p>Implementations may be called from any thread.
 */
@FunctionalInterface
public interface SystemCalls {
  /**
   * Makes one system call. Pointers are passed as {@code MemorySegment.address()}; the caller keeps
   * the segments alive until the call returns.
   *
   * @return the result of the call when it succeeded (never negative), else the negated errno
   */
  long call(Syscall call, long a, long b, long c, long d, long e, long f);
}
