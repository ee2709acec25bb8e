// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import dev.culvert.agent.UserException;

/** Something in the lab did not work: one sentence that names the command or the thing. */
public final class LabException extends UserException {
  private static final long serialVersionUID = 1;

  public LabException(String message) {
    super(message);
  }

  public LabException(String message, Throwable cause) {
    super(message, cause);
  }
}
