// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A netlink message under construction: nlmsghdr, a family's own header, attributes (netlink(7)).
 * Pure; for one thread.
 *
 * <pre>
 *   0        4      6      8         12        16
 *   | length | type | flags | sequence | port   | family header | attribute | attribute ...
 *                                                               | length 2 | type 2 | value | pad to 4 |
 * </pre>
 *
 * All numbers are in the byte order of the machine, unless an attribute says otherwise.
 */
final class NetlinkMessage {
  static final int HEADER_BYTES = 16;
  static final int ALIGNMENT = 4;

  // nlmsg_flags (linux/netlink.h)
  static final int REQUEST = 0x1;
  static final int ACK = 0x4;
  static final int DUMP_INTR = 0x10;
  static final int DUMP = 0x300;
  static final int REPLACE = 0x100;
  static final int EXCL = 0x200;
  static final int CREATE = 0x400;
  static final int APPEND = 0x800;

  /** On the type of an attribute that holds attributes. */
  static final int NESTED = 0x8000;

  private static final int SEQUENCE_OFFSET = 8;
  private static final int MAX_ATTRIBUTE = 0xffff;

  private final int type;
  private final int flags;
  private ByteBuffer buffer = ByteBuffer.allocate(256).order(ByteOrder.nativeOrder());

  /**
   * @param type such as RTM_NEWLINK
   * @param flags nlmsg_flags; REQUEST is added
   */
  NetlinkMessage(int type, int flags) {
    this.type = type;
    this.flags = flags | REQUEST;
    buffer.putInt(0).putShort((short) type).putShort((short) this.flags);
    buffer.putInt(0).putInt(0);
  }

  int type() {
    return type;
  }

  int flags() {
    return flags;
  }

  /** One byte of the family's header. */
  NetlinkMessage u8(int value) {
    room(1).put((byte) value);
    return this;
  }

  /** Two bytes of the family's header. */
  NetlinkMessage u16(int value) {
    room(2).putShort((short) value);
    return this;
  }

  /** Four bytes of the family's header. */
  NetlinkMessage u32(int value) {
    room(4).putInt(value);
    return this;
  }

  NetlinkMessage attribute(int attribute, byte[] value) {
    int length = 4 + value.length;
    if (length > MAX_ATTRIBUTE) {
      throw new IllegalArgumentException(
          "A netlink attribute holds at most 65531 bytes, not " + value.length + ".");
    }
    room(align(length)).putShort((short) length).putShort((short) attribute).put(value);
    return pad();
  }

  NetlinkMessage attribute(int attribute, InetAddress value) {
    return attribute(attribute, value.getAddress());
  }

  NetlinkMessage attribute8(int attribute, int value) {
    return attribute(attribute, new byte[] {(byte) value});
  }

  NetlinkMessage attribute16(int attribute, int value) {
    return attribute(
        attribute,
        ByteBuffer.allocate(2).order(ByteOrder.nativeOrder()).putShort((short) value).array());
  }

  NetlinkMessage attribute32(int attribute, int value) {
    return attribute(
        attribute, ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(value).array());
  }

  /** Two bytes in network order, such as a port. */
  NetlinkMessage attributeBe16(int attribute, int value) {
    return attribute(attribute, new byte[] {(byte) (value >>> 8), (byte) value});
  }

  /** Four bytes in network order, as all numbers of nf_tables are. */
  NetlinkMessage attributeBe32(int attribute, int value) {
    return attribute(attribute, ByteBuffer.allocate(4).putInt(value).array());
  }

  /** Text without an end mark. */
  NetlinkMessage text(int attribute, String value) {
    return attribute(attribute, value.getBytes(StandardCharsets.UTF_8));
  }

  /** Text with the end mark (NUL) that interface names need. */
  NetlinkMessage textZ(int attribute, String value) {
    byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
    return attribute(attribute, Arrays.copyOf(bytes, bytes.length + 1));
  }

  /** An attribute whose value is whatever {@code content} appends. */
  NetlinkMessage nest(int attribute, Runnable content) {
    int start = buffer.position();
    room(4).putShort((short) 0).putShort((short) attribute);
    content.run();
    int length = buffer.position() - start;
    if (length > MAX_ATTRIBUTE) {
      throw new IllegalArgumentException("A nested netlink attribute is too long: " + length);
    }
    buffer.putShort(start, (short) length);
    return this;
  }

  /** The finished message. */
  byte[] bytes(int sequence) {
    byte[] bytes = Arrays.copyOf(buffer.array(), buffer.position());
    ByteBuffer.wrap(bytes)
        .order(ByteOrder.nativeOrder())
        .putInt(0, bytes.length)
        .putInt(SEQUENCE_OFFSET, sequence);
    return bytes;
  }

  private ByteBuffer room(int bytes) {
    if (buffer.remaining() < bytes) {
      int capacity = Math.max(buffer.capacity() * 2, buffer.position() + bytes);
      buffer = ByteBuffer.allocate(capacity).order(ByteOrder.nativeOrder()).put(buffer.flip());
    }
    return buffer;
  }

  private NetlinkMessage pad() {
    while (buffer.position() % ALIGNMENT != 0) {
      buffer.put((byte) 0);
    }
    return this;
  }

  static int align(int length) {
    return (length + ALIGNMENT - 1) & -ALIGNMENT;
  }
}
