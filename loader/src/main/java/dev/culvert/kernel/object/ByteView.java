// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.object;

import dev.culvert.kernel.RefusedException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * A read-only window on little-endian bytes. Every read past its end is one {@link
 * RefusedException} that names the window, so the parsers above need no bounds checks of their own.
 */
public final class ByteView {
  private final byte[] bytes;
  private final int start;
  private final int length;
  private final String name;
  private final ByteBuffer buffer;

  private ByteView(byte[] bytes, int start, int length, String name) {
    this.bytes = bytes;
    this.start = start;
    this.length = length;
    this.name = name;
    this.buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** A view of a whole array; the caller does not change the array any more. */
  public static ByteView of(byte[] bytes, String name) {
    return new ByteView(bytes, 0, bytes.length, name);
  }

  public int length() {
    return length;
  }

  public String name() {
    return name;
  }

  public int u8(long offset) {
    return bytes[at(offset, 1)] & 0xff;
  }

  public int u16(long offset) {
    return buffer.getShort(at(offset, 2)) & 0xffff;
  }

  public int s32(long offset) {
    return buffer.getInt(at(offset, 4));
  }

  public long u32(long offset) {
    return s32(offset) & 0xffff_ffffL;
  }

  public long s64(long offset) {
    return buffer.getLong(at(offset, 8));
  }

  /** The text from {@code offset} to the next zero byte. */
  public String cString(long offset) {
    int from = at(offset, 1);
    int end = from;
    while (bytes[end] != 0) {
      end++;
      if (end == start + length) {
        throw new RefusedException(
            name + " is damaged: the name at offset " + offset + " does not end.");
      }
    }
    return new String(bytes, from, end - from, StandardCharsets.UTF_8);
  }

  /** A window within this one. */
  public ByteView slice(long offset, long size, String sliceName) {
    return new ByteView(bytes, at(offset, size), (int) size, sliceName);
  }

  public byte[] copy() {
    byte[] copy = new byte[length];
    System.arraycopy(bytes, start, copy, 0, length);
    return copy;
  }

  private int at(long offset, long size) {
    // Offsets come from the file as unsigned numbers: a negative one here is a huge one there.
    if (offset < 0 || size < 0 || offset > length || size > length - offset) {
      throw new RefusedException(
          name
              + " is truncated or damaged: it has "
              + length
              + " bytes, but "
              + Long.toUnsignedString(size)
              + " are expected at offset "
              + Long.toUnsignedString(offset)
              + ".");
    }
    return start + (int) offset;
  }
}
