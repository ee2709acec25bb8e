// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.RefusedException;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * An IPv4 or IPv6 prefix in CIDR form (RFC 4632, RFC 4291), such as {@code 10.244.1.0/24}. No bit
 * is set behind the length. Ordered by the bytes of the address, then the shorter first.
 *
 * @param address the first one in it
 * @param length in bits, 0 to 32 or 128
 */
public record IpPrefix(InetAddress address, int length) implements Comparable<IpPrefix> {
  private static final Pattern IPV4 = Pattern.compile("(0|[1-9]\\d{0,2})(\\.(0|[1-9]\\d{0,2})){3}");

  private static final Pattern IPV6 = Pattern.compile("[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*");
  private static final Pattern LENGTH = Pattern.compile("-?(0|[1-9]\\d{0,2})");

  /**
   * Checks the length, and the bits behind it.
   *
   * @throws IllegalArgumentException for a length beyond the family's, or an address with bits
   *     behind the length
   */
  public IpPrefix {
    Objects.requireNonNull(address, "address");
    byte[] bytes = address.getAddress();
    int longest = IpFamily.of(address).addressBits();
    if (length < 0 || length > longest) {
      throw new IllegalArgumentException(
          "The prefix length "
              + length
              + " of "
              + IpAddresses.text(address)
              + " is outside 0-"
              + longest
              + ".");
    }
    if (!Arrays.equals(bytes, masked(bytes, length))) {
      throw new IllegalArgumentException(
          IpAddresses.text(address)
              + "/"
              + length
              + " has bits set behind the prefix; did you mean "
              + IpAddresses.text(IpFamily.address(masked(bytes, length)))
              + "/"
              + length
              + "?");
    }
  }

  /**
   * Reads {@code address/length}.
   *
   * @param text an address literal, a slash and a decimal number, without spaces
   * @return the prefix as it was written
   * @throws RefusedException for anything else, also an address with bits behind the length: the
   *     message then names what may have been meant
   */
  public static IpPrefix parse(String text) {
    Objects.requireNonNull(text, "text");
    int slash = text.indexOf('/');
    if (slash < 0 || !LENGTH.matcher(text.substring(slash + 1)).matches()) {
      throw new RefusedException(
          "\"" + text + "\" is not a prefix: write address/length, such as 10.244.1.0/24.");
    }
    InetAddress address = parseAddress(text.substring(0, slash));
    try {
      return new IpPrefix(address, Integer.parseInt(text.substring(slash + 1)));
    } catch (IllegalArgumentException e) {
      throw new RefusedException(e.getMessage(), e);
    }
  }

  /**
   * {@return the prefix of a given length that an address lies in}
   *
   * @param address any in it, not only the first
   * @param length in bits, 0 to 32 or 128
   */
  public static IpPrefix containing(InetAddress address, int length) {
    Objects.requireNonNull(address, "address");
    return new IpPrefix(IpFamily.address(masked(address.getAddress(), length)), length);
  }

  /**
   * {@return the prefix of one address alone, such as {@code 10.244.1.2/32}}
   *
   * @param address of either family
   */
  public static IpPrefix of(InetAddress address) {
    Objects.requireNonNull(address, "address");
    return new IpPrefix(address, IpFamily.of(address).addressBits());
  }

  /**
   * {@return the prefix of every address of a family: {@code 0.0.0.0/0} or {@code ::/0}}
   *
   * @param family which of the two
   */
  public static IpPrefix everything(IpFamily family) {
    Objects.requireNonNull(family, "family");
    return new IpPrefix(IpFamily.address(new byte[family.addressBytes()]), 0);
  }

  /**
   * Reads an address literal; never asks a name service. IPv4 is four decimal numbers: what else
   * inet_aton(3) reads, such as 1.2.3 for 1.2.0.3 or 010 for 8, was hardly meant so. IPv6 has no
   * zone.
   *
   * @param text without spaces, brackets or a length
   * @return an address without a name
   * @throws RefusedException for anything else
   */
  public static InetAddress parseAddress(String text) {
    Objects.requireNonNull(text, "text");
    if (!IPV4.matcher(text).matches() && !IPV6.matcher(text).matches()) {
      throw new RefusedException("\"" + text + "\" is not an IP address.");
    }
    try {
      return InetAddress.ofLiteral(text);
    } catch (IllegalArgumentException e) {
      throw new RefusedException("\"" + text + "\" is not an IP address.", e);
    }
  }

  /** {@return the family of its addresses} */
  public IpFamily family() {
    return IpFamily.of(address);
  }

  /**
   * {@return whether an address lies in it}
   *
   * @param other one of the other family does not
   */
  public boolean contains(InetAddress other) {
    Objects.requireNonNull(other, "other");
    byte[] bytes = other.getAddress();
    return IpFamily.of(other) == family()
        && Arrays.equals(masked(bytes, length), address.getAddress());
  }

  /**
   * {@return whether the two share any address, which is when one contains the other}
   *
   * @param other one of the other family shares none
   */
  public boolean overlaps(IpPrefix other) {
    Objects.requireNonNull(other, "other");
    return length <= other.length ? contains(other.address) : other.contains(address);
  }

  @Override
  public int compareTo(IpPrefix other) {
    Objects.requireNonNull(other, "other");
    int byAddress = Arrays.compareUnsigned(address.getAddress(), other.address.getAddress());
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
}
