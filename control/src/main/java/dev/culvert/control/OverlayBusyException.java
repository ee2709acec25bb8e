// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.kernel.RefusedException;

/**
 * The overlay did not get to a call in time, because something foreign (a store, a device, a mount)
 * holds its thread up. A call that had not begun is not carried out later either; the message says
 * what became of one that had.
 */
public final class OverlayBusyException extends RefusedException {
  private static final long serialVersionUID = 1;

  OverlayBusyException(String message) {
    super(message);
  }
}
