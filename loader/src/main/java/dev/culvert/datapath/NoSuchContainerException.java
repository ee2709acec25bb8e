// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import dev.culvert.kernel.RefusedException;

/** There is no such container: no network namespace at that path, or no such interface in it. */
public final class NoSuchContainerException extends RefusedException {
  private static final long serialVersionUID = 1;

  /**
   * Refused, with nothing changed.
   *
   * @param message one sentence for people: what, where, what to try
   */
  public NoSuchContainerException(String message) {
    super(message);
  }

  /**
   * The same, where the kernel said so.
   *
   * @param message one sentence for people: what, where, what to try
   * @param cause what the kernel said
   */
  public NoSuchContainerException(String message, Throwable cause) {
    super(message, cause);
  }
}
