// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import dev.culvert.kernel.socket.MessageHeader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * An array of struct mmsghdr for sendmmsg(2) and recvmmsg(2), each with room for control messages
 * (cmsg(3)). The first are a {@link MessageHeader} each, the others, on a 64-bit kernel:
 *
 * <pre>
 *   cmsghdr  0 length (with this header)   8 level   12 type   16 data, padded to 8
 * </pre>
 */
final class MessageVectors {
  private static final int CONTROL_HEADER_BYTES = 16;

  /** Room for several control messages of one number each. */
  private static final int CONTROL_BYTES = 128;

  private final ByteBuffer messages;
  private final ByteBuffer control;
  private final long pointer;
  private final long controlPointer;

  MessageVectors(int capacity) {
    PacketBuffer memory = PacketBuffer.allocate(capacity * MessageHeader.BYTES);
    PacketBuffer controlMemory = PacketBuffer.allocate(capacity * CONTROL_BYTES);
    messages = memory.bytes().order(ByteOrder.nativeOrder());
    control = controlMemory.bytes().order(ByteOrder.nativeOrder());
    pointer = memory.pointer();
    controlPointer = controlMemory.pointer();
    for (int i = 0; i < capacity; i++) {
      messages.putLong(at(i, MessageHeader.CONTROL), controlPointer + (long) i * CONTROL_BYTES);
    }
  }

  private static int at(int index, int field) {
    return index * MessageHeader.BYTES + field;
  }

  int capacity() {
    return messages.capacity() / MessageHeader.BYTES;
  }

  long pointer(int index) {
    return pointer + (long) index * MessageHeader.BYTES;
  }

  void setName(int index, long name, int bytes) {
    messages.putLong(at(index, MessageHeader.NAME), name);
    messages.putInt(at(index, MessageHeader.NAME_BYTES), bytes);
  }

  void setVectors(int index, long vectors, int count) {
    messages.putLong(at(index, MessageHeader.VECTORS), vectors);
    messages.putLong(at(index, MessageHeader.VECTOR_COUNT), count);
  }

  /** Makes all the room for control messages known, before receiving. */
  void offerControl(int index) {
    messages.putLong(at(index, MessageHeader.CONTROL_BYTES), CONTROL_BYTES);
  }

  void clearControl(int index) {
    messages.putLong(at(index, MessageHeader.CONTROL_BYTES), 0);
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
    int used = (int) messages.getLong(at(index, MessageHeader.CONTROL_BYTES));
    int at = index * CONTROL_BYTES + used;
    control.putInt(at + 8, level);
    control.putInt(at + 12, type);
    messages.putLong(at(index, MessageHeader.CONTROL_BYTES), used + CONTROL_HEADER_BYTES + 8L);
    return at;
  }

  /** Bytes that were received. */
  int received(int index) {
    return messages.getInt(at(index, MessageHeader.PASSED_BYTES));
  }

  /** What a received control message says, or a default when there is none of that kind. */
  int control(int index, int level, int type, int otherwise) {
    int from = index * CONTROL_BYTES;
    int end = from + (int) messages.getLong(at(index, MessageHeader.CONTROL_BYTES));
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
