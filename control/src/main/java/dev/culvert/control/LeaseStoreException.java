// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

/**
 * The store could not be reached or holds what it should not. The message says which, where, and
 * what to try.
 */
public class LeaseStoreException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /**
   * What the store itself found.
   *
   * @param message one sentence for people: which store, what, what to try
   */
  public LeaseStoreException(String message) {
    super(message);
  }

  /**
   * What something below the store threw.
   *
   * @param message one sentence for people: which store, what, what to try
   * @param cause what was thrown first
   */
  public LeaseStoreException(String message, Throwable cause) {
    super(message, cause);
  }
}
