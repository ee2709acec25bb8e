// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.packet;

import java.nio.ByteBuffer;

/**
 * The Internet checksum (RFC 1071). Sums are 64 bits wide and folded at the end; they add up as
 * long as each part but the last has an even number of bytes.
 */
public final class InternetChecksum {
  private InternetChecksum() {}

  /** The sum of bytes, an odd one at the end padded with zero. */
  public static long sum(ByteBuffer bytes, int from, int count) {
    int end = from + count;
    int i = from;
    long a = 0;
    long b = 0;
    for (; i <= end - 16; i += 16) {
      long first = bytes.getLong(i);
      long second = bytes.getLong(i + 8);
      a += (first >>> 32) + (first & 0xffff_ffffL);
      b += (second >>> 32) + (second & 0xffff_ffffL);
    }
    for (; i <= end - 2; i += 2) {
      a += bytes.getShort(i) & 0xffff;
    }
    if (i < end) {
      a += (bytes.get(i) & 0xff) << 8;
    }
    return a + b;
  }

  /** The sum of 16 bytes that are held in two longs, such as an address. */
  public static long sum(long high, long low) {
    return (high >>> 32) + (high & 0xffff_ffffL) + (low >>> 32) + (low & 0xffff_ffffL);
  }

  /** To 16 bits, carries added in. */
  public static int fold(long sum) {
    long folded = sum;
    while (folded >>> 16 != 0) {
      folded = (folded & 0xffff) + (folded >>> 16);
    }
    return (int) folded;
  }

  /** The checksum field for a sum that was taken with the field zero. */
  public static short of(long sum) {
    return (short) ~fold(sum);
  }

  /** As UDP writes it: zero would mean "none" (RFC 768). */
  public static short ofUdp(long sum) {
    short checksum = of(sum);
    return checksum == 0 ? (short) 0xffff : checksum;
  }
}
