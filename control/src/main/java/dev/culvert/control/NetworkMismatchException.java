// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.kernel.RefusedException;

/**
 * A configuration contradicts what the store says of the network. The message names both values.
 */
public final class NetworkMismatchException extends RefusedException {
  private static final long serialVersionUID = 1;

  NetworkMismatchException(String message) {
    super(message);
  }
}
