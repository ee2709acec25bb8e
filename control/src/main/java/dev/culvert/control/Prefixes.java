// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.IpPrefix;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.UnknownHostException;

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
  static BigInteger size(IpPrefix family, int length) {
    return BigInteger.ONE.shiftLeft(family.address().getAddress().length * 8 - length);
  }

  /** The first number behind the prefix. */
  static BigInteger end(IpPrefix prefix) {
    return first(prefix).add(size(prefix));
  }

  /** The address with that number, in the family of {@code family}. */
  static InetAddress address(IpPrefix family, BigInteger number) {
    byte[] bytes = new byte[family.address().getAddress().length];
    byte[] digits = number.toByteArray(); // may be shorter, or one longer for the sign
    for (int i = 0; i < Math.min(bytes.length, digits.length); i++) {
      bytes[bytes.length - 1 - i] = digits[digits.length - 1 - i];
    }
    try {
      return InetAddress.getByAddress(bytes);
    } catch (UnknownHostException e) {
      throw new AssertionError("4 or 16 bytes are an address", e);
    }
  }

  static boolean sameFamily(InetAddress one, InetAddress other) {
    return one.getAddress().length == other.getAddress().length;
  }

  /** Whether all of {@code inner} lies within {@code outer}. */
  static boolean contains(IpPrefix outer, IpPrefix inner) {
    return outer.length() <= inner.length() && outer.contains(inner.address());
  }
}
