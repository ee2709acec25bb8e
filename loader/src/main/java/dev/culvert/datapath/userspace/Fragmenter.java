// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import dev.culvert.datapath.IpFamily;
import java.nio.ByteBuffer;

/**
 * Cuts an IPv4 packet that may be cut into fragments (RFC 791 section 3.2), as the router that we
 * are here must. The kernel has done so for the TUN device's MTU; this is for ways that take less.
 */
final class Fragmenter {
  private static final int IPV4_BYTES = IpFamily.IPV4.headerBytes();
  private static final int MORE = 0x2000;
  private static final int OFFSET = 0x1fff;
  private static final int UNIT_BYTES = 8;

  private Fragmenter() {}

  /** Whether the packet can be cut: headers with options would need them sorted first. */
  static boolean canCut(InnerPacket packet, int mtuBytes) {
    return packet.family == IpFamily.IPV4
        && !packet.dontFragment
        && packet.ipBytes == IPV4_BYTES
        && mtuBytes >= IPV4_BYTES + UNIT_BYTES;
  }

  /** Bytes of the header buffer that {@link #cut} will fill. */
  static int headerBytes(InnerPacket packet, int mtuBytes, int prologueBytes) {
    int fragments = Math.ceilDiv(packet.transportBytes(), payloadBytes(mtuBytes));
    return fragments * (prologueBytes + IPV4_BYTES);
  }

  private static int payloadBytes(int mtuBytes) {
    return (mtuBytes - IPV4_BYTES) / UNIT_BYTES * UNIT_BYTES;
  }

  /** Cuts; arguments as those of {@link Segmenter#cut}. */
  static void cut(InnerPacket packet, int mtuBytes, Segmenter.Space space, Segmenter.Sink sink) {
    ByteBuffer headers = space.headers();
    int prologueBytes = space.prologueBytes();
    int most = payloadBytes(mtuBytes);
    int flagsAndOffset = packet.bytes.getShort(packet.start + 6) & 0xffff;
    int head = space.at();
    for (int offset = 0; offset < packet.transportBytes(); offset += most) {
      int bodyBytes = Math.min(most, packet.transportBytes() - offset);
      boolean last = offset + bodyBytes == packet.transportBytes();
      int ip = head + prologueBytes;
      headers.put(ip, packet.bytes, packet.start, IPV4_BYTES);
      headers.putShort(ip + 2, (short) (IPV4_BYTES + bodyBytes));
      int place = (flagsAndOffset & OFFSET) + offset / UNIT_BYTES;
      headers.putShort(ip + 6, (short) ((flagsAndOffset & ~OFFSET) | (last ? 0 : MORE) | place));
      InnerPacket.writeIpv4Checksum(headers, ip, IPV4_BYTES);
      sink.segment(head, prologueBytes + IPV4_BYTES, packet.transport() + offset, bodyBytes);
      head += prologueBytes + IPV4_BYTES;
    }
  }
}
