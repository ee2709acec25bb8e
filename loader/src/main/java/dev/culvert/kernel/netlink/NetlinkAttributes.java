// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import dev.culvert.kernel.KernelException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** The attributes of one message or of one nest, by type; the last of a type wins. Pure. */
final class NetlinkAttributes {
  private static final int HEADER_BYTES = 4;

  /** NLA_F_NESTED and NLA_F_NET_BYTEORDER share the field with the type. */
  private static final int TYPE_MASK = 0x3fff;

  private static final NetlinkAttributes NONE = new NetlinkAttributes(Map.of());

  private final Map<Integer, ByteBuffer> values;

  private NetlinkAttributes(Map<Integer, ByteBuffer> values) {
    this.values = values;
  }

  /**
   * Reads attributes from {@code offset} to the end.
   *
   * @throws KernelException EIO when the lengths do not add up
   */
  static NetlinkAttributes parse(ByteBuffer in, int offset) {
    Map<Integer, ByteBuffer> values = new HashMap<>();
    int at = in.position() + offset;
    while (in.limit() - at >= HEADER_BYTES) {
      int length = in.getShort(at) & 0xffff;
      int type = in.getShort(at + 2) & TYPE_MASK;
      if (length < HEADER_BYTES || length > in.limit() - at) {
        throw NetlinkReply.malformed(
            "attribute "
                + type
                + " claims "
                + length
                + " bytes where "
                + (in.limit() - at)
                + " are left");
      }
      values.put(type, NetlinkReply.slice(in, at + HEADER_BYTES, length - HEADER_BYTES));
      at += NetlinkMessage.align(length);
    }
    return new NetlinkAttributes(values);
  }

  boolean has(int type) {
    return values.containsKey(type);
  }

  /** A number of four bytes. */
  int number(int type, int otherwise) {
    ByteBuffer value = values.get(type);
    if (value == null) {
      return otherwise;
    }
    return required(type, value, 4).getInt(0);
  }

  /** Text, with or without an end mark; empty when there is none. */
  String text(int type) {
    byte[] bytes = bytes(type);
    int end = 0;
    while (end < bytes.length && bytes[end] != 0) {
      end++;
    }
    return new String(bytes, 0, end, StandardCharsets.UTF_8);
  }

  /** The raw value; empty when there is none. */
  byte[] bytes(int type) {
    ByteBuffer value = values.get(type);
    if (value == null) {
      return new byte[0];
    }
    byte[] bytes = new byte[value.remaining()];
    value.get(0, bytes);
    return bytes;
  }

  Optional<ByteBuffer> value(int type) {
    return Optional.ofNullable(values.get(type));
  }

  NetlinkAttributes nested(int type) {
    ByteBuffer value = values.get(type);
    return value == null ? NONE : parse(value, 0);
  }

  Optional<InetAddress> address(int type) {
    return has(type) ? Optional.of(toAddress(bytes(type))) : Optional.empty();
  }

  /**
   * RTA_VIA: a next hop of another family than the destination (struct rtvia: u16 family, address).
   */
  Optional<InetAddress> via(int type) {
    ByteBuffer value = values.get(type);
    if (value == null) {
      return Optional.empty();
    }
    byte[] bytes = new byte[required(type, value, 2).remaining() - 2];
    value.get(2, bytes);
    return Optional.of(toAddress(bytes));
  }

  /** Keeps IPv4-mapped IPv6 addresses in their family, which InetAddress.getByAddress would not. */
  static InetAddress toAddress(byte[] bytes) {
    try {
      return bytes.length == 16
          ? Inet6Address.getByAddress(null, bytes, -1)
          : InetAddress.getByAddress(bytes);
    } catch (UnknownHostException wrongLength) {
      throw NetlinkReply.malformed("an address of " + bytes.length + " bytes");
    }
  }

  private static ByteBuffer required(int type, ByteBuffer value, int bytes) {
    if (value.remaining() < bytes) {
      throw NetlinkReply.malformed(
          "attribute " + type + " has " + value.remaining() + " bytes, not " + bytes);
    }
    return value;
  }
}
