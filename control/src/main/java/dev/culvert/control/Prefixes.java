// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import java.math.BigInteger;
import java.net.InetAddress;

/** Addresses as numbers, alike for both families. */
final class Prefixes {
  private Prefixes() {}

  static BigInteger number(InetAddress address) {
    return new BigInteger(1, address.getAddress());
  }

  static BigInteger first(IpPrefix prefix) {
    return number(prefix.address());
  }

  /** How many addresses the prefix has. */
  static BigInteger size(IpPrefix prefix) {
    return size(prefix, prefix.length());
  }

  /** How many addresses a prefix of {@code length} in the same family has. */
  static BigInteger size(IpPrefix prefix, int length) {
    return BigInteger.ONE.shiftLeft(prefix.family().addressBits() - length);
  }

  /** The first number behind the prefix. */
  static BigInteger end(IpPrefix prefix) {
    return first(prefix).add(size(prefix));
  }

  /** The address with that number. */
  static InetAddress address(IpFamily family, BigInteger number) {
    byte[] bytes = new byte[family.addressBytes()];
    byte[] digits = number.toByteArray(); // may be shorter, or one longer for the sign
    for (int i = 0; i < Math.min(bytes.length, digits.length); i++) {
      bytes[bytes.length - 1 - i] = digits[digits.length - 1 - i];
    }
    return IpFamily.address(bytes);
  }

  /** Whether all of {@code inner} lies within {@code outer}. */
  static boolean contains(IpPrefix outer, IpPrefix inner) {
    return outer.length() <= inner.length() && outer.contains(inner.address());
  }
}
