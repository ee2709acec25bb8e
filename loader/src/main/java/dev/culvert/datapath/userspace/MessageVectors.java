// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * An array of struct mmsghdr for sendmmsg(2) and recvmmsg(2), each with room for control messages
 * (cmsg(3)). All as on a 64-bit kernel:
 *
 * <pre>
 *   mmsghdr  0 name   8 name length   16 vectors   24 how many   32 control   40 control bytes   48 flags   56 bytes passed   64
 *   cmsghdr  0 length (with this header)   8 level   12 type   16 data, padded to 8
 * </pre>
 */
final class MessageVectors {
  private static final int BYTES = 64;
  private static final int CONTROL_HEADER_BYTES = 16;

  /** Room for several control messages of one number each. */
  private static final int CONTROL_BYTES = 128;

  private final ByteBuffer messages;
  private final ByteBuffer control;
  private final long pointer;
  private final long controlPointer;

  MessageVectors(int capacity) {
    PacketBuffer memory = PacketBuffer.allocate(capacity * BYTES);
    PacketBuffer controlMemory = PacketBuffer.allocate(capacity * CONTROL_BYTES);
    messages = memory.bytes().order(ByteOrder.nativeOrder());
    control = controlMemory.bytes().order(ByteOrder.nativeOrder());
    pointer = memory.pointer();
    controlPointer = controlMemory.pointer();
    for (int i = 0; i < capacity; i++) {
      messages.putLong(i * BYTES + 32, controlPointer + (long) i * CONTROL_BYTES);
    }
  }

  int capacity() {
    return messages.capacity() / BYTES;
  }

  long pointer(int index) {
    return pointer + (long) index * BYTES;
  }

  void setName(int index, long name, int bytes) {
    messages.putLong(index * BYTES, name);
    messages.putInt(index * BYTES + 8, bytes);
  }

  void setVectors(int index, long vectors, int count) {
    messages.putLong(index * BYTES + 16, vectors);
    messages.putLong(index * BYTES + 24, count);
  }

  /** Makes all the room for control messages known, before receiving. */
  void offerControl(int index) {
    messages.putLong(index * BYTES + 40, CONTROL_BYTES);
  }

  void clearControl(int index) {
    messages.putLong(index * BYTES + 40, 0);
  }

  /** Appends a control message of 2 bytes. */
  void addControl16(int index, int level, int type, int value) {
    int at = beginControl(index, level, type);
    control.putLong(at, CONTROL_HEADER_BYTES + Short.BYTES);
    control.putShort(at + CONTROL_HEADER_BYTES, (short) value);
  }

  /** Appends a control message of 4 bytes. */
  void addControl32(int index, int level, int type, int value) {
    int at = beginControl(index, level, type);
    control.putLong(at, CONTROL_HEADER_BYTES + Integer.BYTES);
    control.putInt(at + CONTROL_HEADER_BYTES, value);
  }

  /** All but length and value; where it begins. */
  private int beginControl(int index, int level, int type) {
    int used = (int) messages.getLong(index * BYTES + 40);
    int at = index * CONTROL_BYTES + used;
    control.putInt(at + 8, level);
    control.putInt(at + 12, type);
    messages.putLong(index * BYTES + 40, used + CONTROL_HEADER_BYTES + 8L);
    return at;
  }

  /** Bytes that were received. */
  int received(int index) {
    return messages.getInt(index * BYTES + 56);
  }

  /** What a received control message says, or a default when there is none of that kind. */
  int control(int index, int level, int type, int otherwise) {
    int from = index * CONTROL_BYTES;
    int end = from + (int) messages.getLong(index * BYTES + 40);
    while (from + CONTROL_HEADER_BYTES < end) {
      int length = (int) control.getLong(from);
      if (control.getInt(from + 8) == level && control.getInt(from + 12) == type) {
        return length == CONTROL_HEADER_BYTES + 1
            ? control.get(from + CONTROL_HEADER_BYTES) & 0xff
            : control.getInt(from + CONTROL_HEADER_BYTES);
      }
      if (length < CONTROL_HEADER_BYTES) {
        return otherwise;
      }
      from += (length + 7) & ~7;
    }
    return otherwise;
  }
}
