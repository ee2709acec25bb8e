// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import dev.culvert.kernel.RefusedException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The size of a page of memory: what mmap(2) counts in. 4 KiB on amd64, up to 64 KiB on aarch64.
 */
final class PageSize {
  private static final Path FILE = Path.of("/proc/self/auxv");

  /** AT_PAGESZ of getauxval(3). */
  private static final long KEY = 6;

  private PageSize() {}

  static int bytes() {
    try {
      return bytes(Files.readAllBytes(FILE));
    } catch (IOException e) {
      throw new RefusedException(
          "Cannot read " + FILE + ", which tells the size of a page: mount /proc.", e);
    }
  }

  /** Looks through pairs of key and value, each of 8 bytes. */
  static int bytes(byte[] auxiliaryVector) {
    ByteBuffer pairs = ByteBuffer.wrap(auxiliaryVector).order(ByteOrder.nativeOrder());
    while (pairs.remaining() >= 2 * Long.BYTES) {
      long key = pairs.getLong();
      long value = pairs.getLong();
      if (key == KEY) {
        return (int) value;
      }
    }
    throw new IllegalStateException(FILE + " does not tell the size of a page.");
  }
}
