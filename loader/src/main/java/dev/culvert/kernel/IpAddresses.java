// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel;

import java.net.InetAddress;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * How an IP address is written, wherever a person or a program reads it: IPv6 as RFC 5952 says, so
 * that one address has one text; IPv4 as four decimal numbers. {@link InetAddress#getHostAddress()}
 * writes every zero of an IPv6 address instead. Any thread may call.
 */
public final class IpAddresses {
  private static final int FIELDS = 8;

  private IpAddresses() {}

  /** Fields of an address from a first one on. */
  private record Run(int from, int length) {
    int end() {
      return from + length;
    }
  }

  /**
   * {@return an address as text, such as {@code 10.244.1.2} or {@code fd00:10:244:1::2}}
   *
   * @param address its zone is written behind {@code %} (RFC 4007), its name is not
   */
  public static String text(InetAddress address) {
    Objects.requireNonNull(address, "address");
    byte[] bytes = address.getAddress();
    String asJavaWrites = address.getHostAddress();
    if (bytes.length == 4) {
      return asJavaWrites;
    }
    int zone = asJavaWrites.indexOf('%');
    return ipv6(bytes) + (zone < 0 ? "" : asJavaWrites.substring(zone));
  }

  /**
   * {@return an address and a port, IPv6 in brackets (RFC 5952 section 6): {@code
   * [fd00:17::2]:4789}}
   *
   * @param address of either family
   * @param port 0 to 65535
   */
  public static String withPort(InetAddress address, int port) {
    Objects.requireNonNull(address, "address");
    boolean ipv6 = address.getAddress().length > 4;
    return (ipv6 ? "[" + text(address) + "]" : text(address)) + ":" + port;
  }

  private static String ipv6(byte[] bytes) {
    int[] fields = new int[FIELDS];
    for (int i = 0; i < FIELDS; i++) {
      fields[i] = Byte.toUnsignedInt(bytes[2 * i]) << 8 | Byte.toUnsignedInt(bytes[2 * i + 1]);
    }
    Run zeros = longestZeros(fields);
    if (zeros.from() == 0 && zeros.length() == 5 && fields[5] == 0xffff) {
      return "::ffff:" + dotted(bytes); // IPv4-mapped: section 5
    }
    if (zeros.length() < 2) {
      return hex(fields, 0, FIELDS); // one zero alone stays: section 4.2.2
    }
    return hex(fields, 0, zeros.from()) + "::" + hex(fields, zeros.end(), FIELDS);
  }

  /** The first of the longest: section 4.2.3. */
  private static Run longestZeros(int[] fields) {
    Run longest = new Run(0, 0);
    Run current = longest;
    for (int i = 0; i < FIELDS; i++) {
      current = fields[i] == 0 ? new Run(current.from(), current.length() + 1) : new Run(i + 1, 0);
      longest = current.length() > longest.length() ? current : longest;
    }
    return longest;
  }

  /** Lower case without leading zeros: sections 4.1 and 4.3. */
  private static String hex(int[] fields, int from, int to) {
    return IntStream.range(from, to)
        .mapToObj(i -> Integer.toHexString(fields[i]))
        .collect(Collectors.joining(":"));
  }

  /** The last four bytes. */
  private static String dotted(byte[] bytes) {
    return IntStream.range(12, 16)
        .mapToObj(i -> Integer.toString(Byte.toUnsignedInt(bytes[i])))
        .collect(Collectors.joining("."));
  }
}
