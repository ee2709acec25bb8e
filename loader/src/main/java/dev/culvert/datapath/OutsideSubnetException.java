// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import dev.culvert.kernel.RefusedException;

/** The address lies in none of this host's subnets, or there is no subnet of its IP family. */
public final class OutsideSubnetException extends RefusedException {
  private static final long serialVersionUID = 1;

  /**
   * Refused, with nothing changed.
   *
   * @param message one sentence for people: what, where, what to try
   */
  public OutsideSubnetException(String message) {
    super(message);
  }
}
