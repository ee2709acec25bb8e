// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import dev.culvert.kernel.socket.TunDevice;
import java.nio.ByteBuffer;

/**
 * struct virtio_net_hdr, in front of each packet of a TUN device (linux/virtio_net.h; virtio 1.2
 * section 5.1.6):
 *
 * <pre>
 *   0 flags   1 gso_type   2 hdr_len   4 gso_size   6 csum_start   8 csum_offset
 * </pre>
 *
 * <p>Its numbers are in the host's order, which is little-endian wherever Culvert runs.
 */
final class VirtioHeader {
  static final int BYTES = TunDevice.HEADER_BYTES;

  static final int NEEDS_CHECKSUM = 1;
  static final int CHECKSUM_VALID = 2;

  static final int GSO_NONE = 0;
  static final int GSO_TCPV4 = 1;
  static final int GSO_TCPV6 = 4;
  static final int GSO_UDP = 5;

  /** Beside GSO_TCP*: the superpacket's first segment alone has CWR. */
  static final int GSO_ECN = 0x80;

  private VirtioHeader() {}

  static int flags(ByteBuffer bytes, int at) {
    return bytes.get(at) & 0xff;
  }

  /** GSO_*, without GSO_ECN. */
  static int gsoType(ByteBuffer bytes, int at) {
    return bytes.get(at + 1) & 0xff & ~GSO_ECN;
  }

  /** Payload bytes of each segment. */
  static int gsoSize(ByteBuffer bytes, int at) {
    return number(bytes, at + 4);
  }

  /** Where the checksum begins to count, from the IP header. */
  static int checksumStart(ByteBuffer bytes, int at) {
    return number(bytes, at + 6);
  }

  /** Where it is to be written, from there. */
  static int checksumOffset(ByteBuffer bytes, int at) {
    return number(bytes, at + 8);
  }

  /** For one packet, at the beginning: flags only. */
  static void put(ByteBuffer bytes, int flags, int checksumStart, int checksumOffset) {
    bytes.put(0, (byte) flags);
    bytes.put(1, (byte) GSO_NONE);
    putNumber(bytes, 2, 0);
    putNumber(bytes, 4, 0);
    putNumber(bytes, 6, checksumStart);
    putNumber(bytes, 8, checksumOffset);
  }

  /** For a superpacket, at the beginning; its checksum is always still to be computed. */
  static void putSuperpacket(ByteBuffer bytes, int gsoType, int gsoSize, InnerPacket packet) {
    put(bytes, NEEDS_CHECKSUM, packet.ipBytes, packet.checksumOffset());
    bytes.put(1, (byte) gsoType);
    putNumber(bytes, 2, packet.ipBytes + packet.transportHeaderBytes());
    putNumber(bytes, 4, gsoSize);
  }

  private static int number(ByteBuffer bytes, int at) {
    return Short.reverseBytes(bytes.getShort(at)) & 0xffff;
  }

  private static void putNumber(ByteBuffer bytes, int at, int value) {
    bytes.putShort(at, Short.reverseBytes((short) value));
  }
}
