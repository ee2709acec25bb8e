// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import dev.culvert.kernel.KernelException;

/** The kernel is too old for what was asked, or built without it. */
public final class Unsupported extends KernelException {
  private static final long serialVersionUID = 1;

  private final String feature;
  private final String kernelNeeded;

  /**
   * @param refused what the kernel said
   * @param feature such as {@code tcx links}
   * @param kernelNeeded the first kernel that has it, such as {@code 6.6}
   */
  Unsupported(KernelException refused, String feature, String kernelNeeded) {
    super(
        refused.call(),
        refused.target(),
        refused.errnoNumber(),
        "this kernel ("
            + System.getProperty("os.version")
            + ") has no "
            + feature
            + ": use Linux "
            + kernelNeeded
            + " or later");
    this.feature = feature;
    this.kernelNeeded = kernelNeeded;
  }

  /** {@return what is missing, such as {@code tcx links}} */
  public String feature() {
    return feature;
  }

  /** {@return the first kernel that has the feature, such as {@code 6.6}} */
  public String kernelNeeded() {
    return kernelNeeded;
  }
}
