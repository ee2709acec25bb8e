// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel;

/** Turns a negative result of {@link Libc#call} into a {@link KernelException}. */
final class KernelCheck {
  private KernelCheck() {}

  /** The result itself when the call succeeded. */
  static long ok(long result, String call, String target, String hint) {
    if (result < 0) {
      throw new KernelException(call, target, (int) -result, hint);
    }
    return result;
  }
}
