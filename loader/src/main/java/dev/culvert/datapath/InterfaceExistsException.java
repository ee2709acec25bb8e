// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import dev.culvert.kernel.RefusedException;

/**
 * The container's namespace has an interface of that name already: somebody else's, or one of this
 * overlay that was asked for with another address or label. It is left as it is.
 */
public final class InterfaceExistsException extends RefusedException {
  private static final long serialVersionUID = 1;

  /**
   * Refused, with nothing changed.
   *
   * @param message one sentence for people: what, where, what to try
   */
  public InterfaceExistsException(String message) {
    super(message);
  }
}
