// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.kernel.RefusedException;

/** Another machine lives under this host's name; the message names both tunnel ends. */
public class HostNameTakenException extends RefusedException {
  private static final long serialVersionUID = 1;

  /**
   * Refused because of the other machine.
   *
   * @param message one sentence for people: who, where, what to try
   */
  public HostNameTakenException(String message) {
    super(message);
  }
}
