// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.net;

import java.net.Inet6Address;
import java.net.InetAddress;

/** An address and the length of its network's prefix, for example 10.1.0.5/24. */
public record Cidr(InetAddress address, int length) {
  /**
   * @throws IllegalArgumentException for what is no address with a length
   */
  public static Cidr parse(String text) {
    int slash = text.indexOf('/');
    try {
      InetAddress address = InetAddress.ofLiteral(text.substring(0, slash));
      int length = Integer.parseInt(text.substring(slash + 1));
      if (length >= 0 && length <= address.getAddress().length * Byte.SIZE) {
        return new Cidr(address, length);
      }
    } catch (IllegalArgumentException | StringIndexOutOfBoundsException e) {
      throw new IllegalArgumentException("\"" + text + "\" is no address in CIDR notation", e);
    }
    throw new IllegalArgumentException("\"" + text + "\" is no address in CIDR notation");
  }

  public boolean isIpv6() {
    return address instanceof Inet6Address;
  }

  /** "4" or "6", as results before 1.0.0 name it. */
  public String family() {
    return isIpv6() ? "6" : "4";
  }

  @Override
  public String toString() {
    return address.getHostAddress() + "/" + length;
  }
}
