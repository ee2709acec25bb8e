// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * One message that the kernel sent, cut out of a datagram. Pure.
 *
 * @param payload what follows nlmsghdr, in the machine's byte order
 */
record NetlinkReply(int type, int flags, int sequence, ByteBuffer payload) {
  // nlmsg_type below NLMSG_MIN_TYPE, and flags of an acknowledgement (linux/netlink.h)
  static final int NOOP = 1;
  static final int ERROR = 2;
  static final int DONE = 3;
  private static final int CAPPED = 0x100;
  private static final int ACK_TLVS = 0x200;
  private static final int NLMSGERR_ATTR_MSG = 1;

  /**
   * Cuts a datagram into its messages.
   *
   * @throws KernelException EIO when the lengths in it do not add up
   */
  static List<NetlinkReply> parse(byte[] datagram) {
    ByteBuffer in = ByteBuffer.wrap(datagram).order(ByteOrder.nativeOrder());
    List<NetlinkReply> replies = new ArrayList<>();
    while (in.remaining() >= NetlinkMessage.HEADER_BYTES) {
      int start = in.position();
      int length = in.getInt(start);
      if (length < NetlinkMessage.HEADER_BYTES || length > in.remaining()) {
        throw malformed(
            "a message claims " + length + " bytes where " + in.remaining() + " are left");
      }
      replies.add(
          new NetlinkReply(
              in.getShort(start + 4) & 0xffff,
              in.getShort(start + 6) & 0xffff,
              in.getInt(start + 8),
              slice(
                  in, start + NetlinkMessage.HEADER_BYTES, length - NetlinkMessage.HEADER_BYTES)));
      in.position(Math.min(start + NetlinkMessage.align(length), in.limit()));
    }
    if (in.hasRemaining()) {
      throw malformed(in.remaining() + " bytes follow the last message");
    }
    return replies;
  }

  /** Whether this ends the answer to a request. */
  boolean last() {
    return type == ERROR || type == DONE;
  }

  /** The errno in an ERROR or DONE message, positive; 0 for success. */
  int errno() {
    if (payload.remaining() >= 4) {
      return Math.max(0, -payload.getInt(payload.position()));
    }
    if (type == DONE) {
      return 0;
    }
    throw malformed("an error message holds no error number");
  }

  /** The sentence of an extended acknowledgement (kernel 4.12); empty when there is none. */
  String kernelText() {
    if ((flags & ACK_TLVS) == 0) {
      return "";
    }
    int offset = 4;
    if (type == ERROR) {
      // The header of our request is repeated, and unless capped the rest of it.
      if (payload.remaining() < 4 + NetlinkMessage.HEADER_BYTES) {
        return "";
      }
      int request = payload.getInt(payload.position() + 4);
      offset += (flags & CAPPED) != 0 ? NetlinkMessage.HEADER_BYTES : request;
      offset = NetlinkMessage.align(offset);
    }
    if (offset < 0 || offset > payload.remaining()) {
      return "";
    }
    return NetlinkAttributes.parse(payload, offset).text(NLMSGERR_ATTR_MSG);
  }

  /** A family's header must be there before its fields are read. */
  NetlinkReply require(int headerBytes) {
    if (payload.remaining() < headerBytes) {
      throw malformed(
          "message type " + type + " has " + payload.remaining() + " bytes, not " + headerBytes);
    }
    return this;
  }

  NetlinkAttributes attributes(int headerBytes) {
    return NetlinkAttributes.parse(require(headerBytes).payload, headerBytes);
  }

  int u8(int offset) {
    return payload.get(payload.position() + offset) & 0xff;
  }

  int u16(int offset) {
    return payload.getShort(payload.position() + offset) & 0xffff;
  }

  int s32(int offset) {
    return payload.getInt(payload.position() + offset);
  }

  static ByteBuffer slice(ByteBuffer from, int start, int length) {
    return from.slice(start, length).order(ByteOrder.nativeOrder());
  }

  static KernelException malformed(String what) {
    return new KernelException(
        "recvfrom",
        "netlink socket",
        Errno.EIO.number(),
        "the kernel's answer is malformed (" + what + "); please report it with uname -r");
  }
}
