// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import java.nio.ByteBuffer;

/** The Internet checksum (RFC 1071). */
final class Checksum {
  private Checksum() {}

  /**
   * The checksum over a range of bytes; an odd last byte counts as if a zero followed.
   *
   * @param more added to the sum, for a pseudo-header
   */
  static short of(ByteBuffer bytes, int from, int to, long more) {
    long sum = more;
    for (int i = from; i + 1 < to; i += 2) {
      sum += Short.toUnsignedInt(bytes.getShort(i));
    }
    if ((to - from) % 2 != 0) {
      sum += Byte.toUnsignedInt(bytes.get(to - 1)) << 8;
    }
    while (sum >>> 16 != 0) {
      sum = (sum & 0xffff) + (sum >>> 16);
    }
    return (short) ~sum;
  }
}
