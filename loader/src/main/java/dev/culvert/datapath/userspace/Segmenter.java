// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.packet.InternetChecksum;
import java.nio.ByteBuffer;

/**
 * Cuts a TCP or UDP superpacket into the packets that its sender's kernel would have sent
 * (Documentation/networking/segmentation-offloads.rst). Each gets headers of its own, written back
 * to back into a buffer; payloads stay where they are.
 */
final class Segmenter {
  /** Takes the packets, in order. */
  interface Sink {
    /**
     * @param head offset of the headers, prologue first, in the header buffer
     * @param body offset of the payload in the superpacket's buffer
     */
    void segment(int head, int headBytes, int body, int bodyBytes);
  }

  /**
   * Where headers are written.
   *
   * @param headers filled from {@code at} on
   * @param prologueBytes left free in front of each IP header
   */
  record Space(ByteBuffer headers, int at, int prologueBytes) {}

  private static final int FIN_AND_PSH = 0x01 | 0x08;
  private static final int CWR = 0x80;
  private static final int UDP_BYTES = 8;

  private Segmenter() {}

  /** Bytes of the header buffer that {@link #cut} will fill. */
  static int headerBytes(InnerPacket packet, int gsoSize, int prologueBytes) {
    int headers = packet.ipBytes + packet.transportHeaderBytes();
    int segments = Math.ceilDiv(packet.totalBytes - headers, gsoSize);
    return Math.max(1, segments) * (prologueBytes + headers);
  }

  /**
   * Cuts.
   *
   * @param packet of which {@link InnerPacket#isTcp} or {@link InnerPacket#isUdp} holds
   * @param gsoSize payload bytes of each segment but the last
   * @param space where the headers go
   */
  static void cut(InnerPacket packet, int gsoSize, Space space, Sink sink) {
    ByteBuffer headers = space.headers();
    int prologueBytes = space.prologueBytes();
    int headBytes = packet.ipBytes + packet.transportHeaderBytes();
    int payload = packet.start + headBytes;
    int head = space.at();
    for (int index = 0, offset = 0; payload + offset < packet.end(); index++) {
      int bodyBytes = Math.min(gsoSize, packet.end() - payload - offset);
      boolean last = payload + offset + bodyBytes == packet.end();
      int ip = head + prologueBytes;
      headers.put(ip, packet.bytes, packet.start, headBytes);
      Piece piece = new Piece(index, offset, bodyBytes, last);
      writeIp(packet, headers, ip, piece);
      writeTransport(packet, headers, ip, piece);
      sink.segment(head, prologueBytes + headBytes, payload + offset, bodyBytes);
      head += prologueBytes + headBytes;
      offset += bodyBytes;
    }
  }

  /** One segment's part of the payload. */
  private record Piece(int index, int offset, int bytes, boolean last) {}

  private static void writeIp(InnerPacket packet, ByteBuffer headers, int ip, Piece piece) {
    int totalBytes = packet.ipBytes + packet.transportHeaderBytes() + piece.bytes();
    if (packet.family == IpFamily.IPV6) {
      headers.putShort(ip + 4, (short) (totalBytes - packet.ipBytes));
      return;
    }
    headers.putShort(ip + 2, (short) totalBytes);
    headers.putShort(ip + 4, (short) (headers.getShort(ip + 4) + piece.index()));
    InnerPacket.writeIpv4Checksum(headers, ip, packet.ipBytes);
  }

  private static void writeTransport(InnerPacket packet, ByteBuffer headers, int ip, Piece piece) {
    int transport = ip + packet.ipBytes;
    int headerBytes = packet.transportHeaderBytes();
    if (packet.protocol == InnerPacket.TCP) {
      headers.putInt(transport + 4, headers.getInt(transport + 4) + piece.offset());
      int flags = headers.get(transport + 13);
      flags = piece.last() ? flags : flags & ~FIN_AND_PSH;
      headers.put(transport + 13, (byte) (piece.index() == 0 ? flags : flags & ~CWR));
    } else {
      headers.putShort(transport + 4, (short) (UDP_BYTES + piece.bytes()));
    }
    int checksum = transport + packet.checksumOffset();
    headers.putShort(checksum, (short) 0);
    int payload = packet.transport() + headerBytes + piece.offset();
    long sum =
        packet.pseudoHeader(headerBytes + piece.bytes())
            + InternetChecksum.sum(headers, transport, headerBytes)
            + InternetChecksum.sum(packet.bytes, payload, piece.bytes());
    headers.putShort(
        checksum,
        packet.protocol == InnerPacket.TCP
            ? InternetChecksum.of(sum)
            : InternetChecksum.ofUdp(sum));
  }
}
