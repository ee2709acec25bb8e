// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent;

import dev.culvert.kernel.RefusedException;

/**
 * Something that the person at the keyboard can mend. The message is one sentence: what, where,
 * what to try.
 */
public class UserException extends RefusedException {
  private static final long serialVersionUID = 1;

  public UserException(String message) {
    super(message);
  }

  public UserException(String message, Throwable cause) {
    super(message, cause);
  }
}
