// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.net;

/** The kit is being stopped, and starts nothing any more. */
public final class StoppedException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public StoppedException() {
    super("The kit was stopped.");
  }
}
