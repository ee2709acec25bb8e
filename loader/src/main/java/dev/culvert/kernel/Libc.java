// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel;

/**
 * The seam to the kernel: one entry, syscall(2). {@link #system()} makes real calls; a test passes
 * an implementation of its own and so meets any errno without root.
 *
 * <p>Implementations may be called from any thread.
 */
@FunctionalInterface
public interface Libc {
  /**
   * Makes one system call. Pointers are passed as {@code MemorySegment.address()}; the caller keeps
   * the segments alive until the call returns.
   *
   * @return the result of the call when it succeeded (never negative), else the negated errno
   */
  long call(Syscall call, long a, long b, long c, long d, long e, long f);

  /** What the kernel behind this can do; the real one is tried once for all that ask. */
  default Features features() {
    return new Features(this);
  }

  /** The real kernel. */
  static Libc system() {
    return SystemLibc.INSTANCE;
  }
}
