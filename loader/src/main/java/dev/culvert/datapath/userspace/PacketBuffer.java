// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * Direct memory for packets.
 *
 * @param bytes big-endian; read and written by absolute index only
 * @param pointer where it begins, for system calls
 */
record PacketBuffer(ByteBuffer bytes, long pointer) {
  static PacketBuffer of(ByteBuffer direct) {
    return new PacketBuffer(direct, MemorySegment.ofBuffer(direct).address());
  }

  /** Outside of any pool. */
  static PacketBuffer allocate(int bytes) {
    return of(ByteBuffer.allocateDirect(bytes));
  }

  int sizeBytes() {
    return bytes.capacity();
  }

  long pointer(int offset) {
    return pointer + offset;
  }
}
