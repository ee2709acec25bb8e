// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.check;

/** A check's question does not arise; the message says why. */
public final class NotApplicable extends Exception {
  private static final long serialVersionUID = 1;

  NotApplicable(String why) {
    super(why);
  }
}
