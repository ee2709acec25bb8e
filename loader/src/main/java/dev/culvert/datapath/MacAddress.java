// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import dev.culvert.kernel.RefusedException;
import java.util.HexFormat;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * A unicast Ethernet address (IEEE 802), of one interface.
 *
 * @param bits the address in the lower 48, the byte that is first on the wire highest
 */
public record MacAddress(long bits) {
  private static final long MULTICAST = 1L << 40;
  private static final Pattern FORM = Pattern.compile("[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}");

  /**
   * Checks the values.
   *
   * @throws IllegalArgumentException for more than 48 bits, zero, or a multicast address
   */
  public MacAddress {
    if (bits >>> 48 != 0) {
      throw new IllegalArgumentException(
          "A MAC address has 48 bits, not " + Long.toHexString(bits) + ".");
    }
    if (bits == 0 || (bits & MULTICAST) != 0) {
      throw new IllegalArgumentException(
          text(bits) + " is not the MAC address of one interface (it is zero or multicast).");
    }
  }

  /**
   * Reads six bytes in hexadecimal with colons, such as {@code 02:00:0a:11:02:02}.
   *
   * @param text in upper or lower case, two digits for each byte
   * @return the address, which {@link #toString} writes in lower case
   * @throws RefusedException for anything else, and for zero or a multicast address
   */
  public static MacAddress parse(String text) {
    Objects.requireNonNull(text, "text");
    if (!FORM.matcher(text).matches()) {
      throw new RefusedException(
          "\""
              + text
              + "\" is not a MAC address: write six bytes in hexadecimal, such as 02:00:0a:11:02:02.");
    }
    try {
      return new MacAddress(Long.parseLong(text.replace(":", ""), 16));
    } catch (IllegalArgumentException e) {
      throw new RefusedException(e.getMessage(), e);
    }
  }

  /**
   * {@return the address of six bytes}
   *
   * @param bytes in the order of the wire
   * @throws IllegalArgumentException for another number of bytes, zero, or a multicast address
   */
  public static MacAddress of(byte[] bytes) {
    Objects.requireNonNull(bytes, "bytes");
    if (bytes.length != 6) {
      throw new IllegalArgumentException("A MAC address has 6 bytes, not " + bytes.length + ".");
    }
    long bits = 0;
    for (byte b : bytes) {
      bits = bits << 8 | (b & 0xff);
    }
    return new MacAddress(bits);
  }

  /** {@return six bytes in the order of the wire, the caller's own} */
  public byte[] toBytes() {
    byte[] bytes = new byte[6];
    for (int i = 0; i < 6; i++) {
      bytes[i] = (byte) (bits >>> (40 - 8 * i));
    }
    return bytes;
  }

  @Override
  public String toString() {
    return text(bits);
  }

  private static String text(long bits) {
    return HexFormat.ofDelimiter(":")
        .formatHex(
            new byte[] {
              (byte) (bits >>> 40),
              (byte) (bits >>> 32),
              (byte) (bits >>> 24),
              (byte) (bits >>> 16),
              (byte) (bits >>> 8),
              (byte) bits
            });
  }
}
