// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import dev.culvert.kernel.RefusedException;

/**
 * Nothing is left to give: no free address in the host's subnet, or no free subnet in the network.
 */
public final class PoolExhaustedException extends RefusedException {
  private static final long serialVersionUID = 1;

  /**
   * Refused, with nothing changed.
   *
   * @param message one sentence for people: what, where, what to try
   */
  public PoolExhaustedException(String message) {
    super(message);
  }
}
