// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import dev.culvert.kernel.IpAddresses;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;

/**
 * An IPv4 or IPv6 prefix in CIDR form (RFC 4632, RFC 4291), such as {@code 10.244.1.0/24}. No bit
 * is set behind the length.
 */
public record IpPrefix(InetAddress address, int length) implements Comparable<IpPrefix> {
  /**
   * @throws IllegalArgumentException for a length beyond the family's, or an address with bits
   *     behind the length
   */
  public IpPrefix {
    byte[] bytes = address.getAddress();
    if (length < 0 || length > bytes.length * 8) {
      throw new IllegalArgumentException(
          "The prefix length "
              + length
              + " of "
              + IpAddresses.text(address)
              + " is outside 0-"
              + bytes.length * 8
              + ".");
    }
    if (!java.util.Arrays.equals(bytes, masked(bytes, length))) {
      throw new IllegalArgumentException(
          IpAddresses.text(address)
              + "/"
              + length
              + " has bits set behind the prefix; did you mean "
              + IpAddresses.text(address(masked(bytes, length)))
              + "/"
              + length
              + "?");
    }
  }

  /** Reads {@code address/length}. */
  public static IpPrefix parse(String text) {
    int slash = text.indexOf('/');
    if (slash < 0) {
      throw new IllegalArgumentException(
          "\"" + text + "\" is not a prefix: write address/length, such as 10.244.1.0/24.");
    }
    InetAddress address = parseAddress(text.substring(0, slash));
    int length;
    try {
      length = Integer.parseInt(text.substring(slash + 1));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "\"" + text + "\" is not a prefix: write address/length, such as 10.244.1.0/24.", e);
    }
    return new IpPrefix(address, length);
  }

  /** The prefix of a given length that an address lies in. */
  public static IpPrefix containing(InetAddress address, int length) {
    return new IpPrefix(address(masked(address.getAddress(), length)), length);
  }

  /** As many ones as {@code length} says, then zeros, in the family's width. */
  static InetAddress mask(boolean ipv4, int length) {
    byte[] ones = new byte[ipv4 ? 4 : 16];
    java.util.Arrays.fill(ones, (byte) 0xff);
    return address(masked(ones, length));
  }

  /** Reads an address literal; never asks a name service. */
  public static InetAddress parseAddress(String text) {
    try {
      return InetAddress.ofLiteral(text);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("\"" + text + "\" is not an IP address.", e);
    }
  }

  public boolean isIpv4() {
    return address instanceof Inet4Address;
  }

  public boolean contains(InetAddress other) {
    byte[] bytes = other.getAddress();
    return bytes.length == address.getAddress().length
        && java.util.Arrays.equals(masked(bytes, length), address.getAddress());
  }

  /** Whether the two share any address. */
  public boolean overlaps(IpPrefix other) {
    return length <= other.length ? contains(other.address) : other.contains(address);
  }

  @Override
  public int compareTo(IpPrefix other) {
    int byAddress =
        java.util.Arrays.compareUnsigned(address.getAddress(), other.address.getAddress());
    return byAddress != 0 ? byAddress : Integer.compare(length, other.length);
  }

  /** As in {@code 10.244.1.0/24}, or {@code fd00:10:244:1::/64} (RFC 5952). */
  @Override
  public String toString() {
    return IpAddresses.text(address) + "/" + length;
  }

  private static byte[] masked(byte[] bytes, int length) {
    byte[] masked = new byte[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      int bits = Math.clamp(length - i * 8, 0, 8);
      masked[i] = (byte) (bytes[i] & (0xff00 >> bits));
    }
    return masked;
  }

  private static InetAddress address(byte[] bytes) {
    try {
      return InetAddress.getByAddress(bytes);
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException(
          "An IP address has 4 or 16 bytes, not " + bytes.length + ".", e);
    }
  }
}
