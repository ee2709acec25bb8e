// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.net;

/** A command of ip(8) failed; the message is the command and its words. */
public final class IpException extends RuntimeException {
  private static final long serialVersionUID = 1;

  IpException(String message) {
    super(message);
  }
}
