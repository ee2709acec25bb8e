// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel;

/**
 * Refused because of what somebody asked for, wrote or has: a name that cannot be, an object that
 * is damaged, a subnet that is taken. The message is one sentence for people: what, where, what to
 * try; whoever shows it needs no stack trace.
 *
 * <p>A caller's or our own mistake is an {@link IllegalArgumentException} or {@link
 * IllegalStateException} instead, and deserves its stack trace. What the kernel refuses is a {@link
 * KernelException}.
 */
public class RefusedException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /**
   * Refused for a reason that was found here.
   *
   * @param message one sentence for people: what, where, what to try
   */
  public RefusedException(String message) {
    super(message);
  }

  /**
   * Refused for a reason that something else gave.
   *
   * @param message one sentence for people: what, where, what to try
   * @param cause what was thrown first; its words are in the message where they help
   */
  public RefusedException(String message, Throwable cause) {
    super(message, cause);
  }
}
