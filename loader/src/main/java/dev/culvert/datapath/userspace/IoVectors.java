// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import java.nio.ByteOrder;

/** An array of struct iovec: pointer (8), length (8). */
final class IoVectors {
  private static final int BYTES = 16;

  private final PacketBuffer memory;

  IoVectors(int capacity) {
    memory = PacketBuffer.allocate(capacity * BYTES);
    memory.bytes().order(ByteOrder.nativeOrder());
  }

  int capacity() {
    return memory.sizeBytes() / BYTES;
  }

  void set(int index, long pointer, int bytes) {
    memory.bytes().putLong(index * BYTES, pointer);
    memory.bytes().putLong(index * BYTES + 8, bytes);
  }

  /** Bytes that the entry stands for. */
  int bytes(int index) {
    return (int) memory.bytes().getLong(index * BYTES + 8);
  }

  /** Where an entry is, for system calls. */
  long pointer(int index) {
    return memory.pointer(index * BYTES);
  }
}
