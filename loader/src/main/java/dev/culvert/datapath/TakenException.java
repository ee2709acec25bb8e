// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import dev.culvert.kernel.RefusedException;

/**
 * What was asked for is somebody's already: an address that a container has or that its subnet
 * keeps for itself, a subnet that another host leases, a datapath that another overlay works on.
 */
public final class TakenException extends RefusedException {
  private static final long serialVersionUID = 1;

  /**
   * Refused, with nothing changed.
   *
   * @param message one sentence for people: what, where, what to try
   */
  public TakenException(String message) {
    super(message);
  }
}
