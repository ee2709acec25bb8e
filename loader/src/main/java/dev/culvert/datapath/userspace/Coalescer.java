// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.packet.InternetChecksum;
import java.nio.ByteBuffer;

/**
 * Joins consecutive segments of a TCP flow, and consecutive UDP datagrams of one size, into the
 * superpacket that the other host's kernel cut, as the kernel's GRO does for a network card: the
 * stack then works once for all of them. Payloads are gathered from where they lie, which must stay
 * as they are until {@link #flush}.
 *
 * <p>Only what is cut again into the very same packets is joined: same headers but for sequence
 * number, length, checksum, identification and PSH, and good checksums.
 */
final class Coalescer {
  /** Where packets go: {@link dev.culvert.kernel.socket.TunDevice#write}. */
  interface Device {
    /** Bytes written, or a negated errno. */
    int write(long vectors, int count);
  }

  private static final int MAX_BYTES = 65_535;

  /** UIO_MAXIOV of the kernel. */
  private static final int MAX_VECTORS = 1024;

  /** The kernel takes no more segments than these in one UDP superpacket (UDP_MAX_SEGMENTS). */
  private static final int MAX_DATAGRAMS = 64;

  private static final int ACK = 0x10;
  private static final int PSH = 0x08;
  private static final int ECE = 0x40;

  private final Device device;
  private final boolean joinsUdp;
  private final PacketBuffer virtio = PacketBuffer.allocate(VirtioHeader.BYTES);
  private final IoVectors vectors = new IoVectors(MAX_VECTORS);
  private final InnerPacket first = new InnerPacket();
  private PacketBuffer memory;
  private TransportChecksum checksum = TransportChecksum.NONE;
  private int packets;
  private int payloadBytes;
  private int totalBytes;
  private int nextSequence;
  private boolean complete;
  private boolean pushed;
  private int lost;

  /**
   * @param joinsUdp whether the device takes UDP superpackets
   */
  Coalescer(Device device, boolean joinsUdp) {
    this.device = device;
    this.joinsUdp = joinsUdp;
    vectors.set(0, virtio.pointer(), VirtioHeader.BYTES);
  }

  /** Takes one packet, to be written now or with those that follow. */
  void add(PacketBuffer from, InnerPacket packet) {
    TransportChecksum worth = TransportChecksum.of(packet);
    int payload = payloadBytes(packet);
    if (packets > 0 && worth != TransportChecksum.NONE && follows(packet, payload)) {
      vectors.set(packets + 1, from.pointer(packet.end() - payload), payload);
    } else {
      flush();
      begin(from, packet, worth, payload);
    }
    packets++;
    nextSequence += payload;
    pushed = packet.protocol == InnerPacket.TCP && (tcpFlags(packet) & PSH) != 0;
    complete |= pushed || payload < payloadBytes;
  }

  private void begin(PacketBuffer from, InnerPacket packet, TransportChecksum worth, int payload) {
    boolean _ = first.read(packet.bytes, packet.start, packet.totalBytes);
    memory = from;
    checksum = worth;
    payloadBytes = payload;
    totalBytes = packet.totalBytes;
    complete = worth == TransportChecksum.NONE || payload == 0 || !canGrow(packet);
    nextSequence = packet.isTcp() ? packet.bytes.getInt(packet.transport() + 4) : 0;
    vectors.set(1, from.pointer(packet.start), packet.totalBytes);
  }

  private static int payloadBytes(InnerPacket packet) {
    return packet.isTcp() || packet.isUdp()
        ? packet.transportBytes() - packet.transportHeaderBytes()
        : 0;
  }

  private boolean canGrow(InnerPacket packet) {
    // Without DF the identification matters, and it may not count up by one.
    boolean plain = packet.dontFragment && packet.ipBytes == packet.family.headerBytes();
    return plain
        && (packet.isTcp() ? (tcpFlags(packet) & ~(PSH | ECE)) == ACK : joinsUdp && packet.isUdp());
  }

  private static int tcpFlags(InnerPacket packet) {
    return packet.bytes.get(packet.transport() + 13) & 0xff;
  }

  private boolean follows(InnerPacket packet, int payload) {
    if (complete
        || payload == 0
        || payload > payloadBytes
        || totalBytes + payload > MAX_BYTES
        || packets + 2 > MAX_VECTORS
        || !sameIp(packet)) {
      return false;
    }
    boolean next =
        packet.protocol == InnerPacket.TCP
            ? packet.isTcp() && continuesTcp(packet)
            : packet.isUdp() && packets < MAX_DATAGRAMS && samePorts(packet);
    if (next) {
      totalBytes += payload;
    }
    return next;
  }

  private boolean sameIp(InnerPacket packet) {
    ByteBuffer a = first.bytes;
    ByteBuffer b = packet.bytes;
    if (packet.protocol != first.protocol
        || packet.family != first.family
        || packet.ipBytes != first.ipBytes
        || packet.sourceLow != first.sourceLow
        || packet.destinationLow != first.destinationLow
        || packet.sourceHigh != first.sourceHigh
        || packet.destinationHigh != first.destinationHigh) {
      return false;
    }
    if (packet.family == IpFamily.IPV6) { // version, class, flow label; next header, hop limit
      return a.getInt(first.start) == b.getInt(packet.start)
          && a.getShort(first.start + 6) == b.getShort(packet.start + 6);
    }
    // version, header length, class; flags and offset; TTL and protocol
    return a.getShort(first.start) == b.getShort(packet.start)
        && a.getInt(first.start + 6) == b.getInt(packet.start + 6);
  }

  private boolean samePorts(InnerPacket packet) {
    return first.bytes.getInt(first.transport()) == packet.bytes.getInt(packet.transport());
  }

  private boolean continuesTcp(InnerPacket packet) {
    int a = first.transport();
    int b = packet.transport();
    if (!samePorts(packet)
        || packet.bytes.getInt(b + 4) != nextSequence
        || packet.bytes.getInt(b + 8) != first.bytes.getInt(a + 8)
        // data offset, flags but for PSH, window
        || ((packet.bytes.getInt(b + 12) ^ first.bytes.getInt(a + 12)) & ~(PSH << 16)) != 0) {
      return false;
    }
    for (int i = 20; i < packet.tcpHeaderBytes(); i += 4) {
      if (packet.bytes.getInt(b + i) != first.bytes.getInt(a + i)) {
        return false;
      }
    }
    return true;
  }

  /** Writes what is waiting. */
  void flush() {
    if (packets == 0) {
      return;
    }
    if (packets == 1) {
      writeFlags(first, checksum);
    } else {
      finishHeaders();
      superpacketHeader(first, payloadBytes);
    }
    write(packets + 1);
    packets = 0;
  }

  private void finishHeaders() {
    ByteBuffer bytes = memory.bytes();
    int start = first.start;
    if (first.family == IpFamily.IPV6) {
      bytes.putShort(start + 4, (short) (totalBytes - first.ipBytes));
    } else {
      bytes.putShort(start + 2, (short) totalBytes);
      InnerPacket.writeIpv4Checksum(bytes, start, first.ipBytes);
    }
    int transportBytes = totalBytes - first.ipBytes;
    if (first.protocol == InnerPacket.UDP) {
      bytes.putShort(first.transport() + 4, (short) transportBytes);
    } else if (pushed) {
      bytes.put(first.transport() + 13, (byte) (tcpFlags(first) | PSH));
    }
    leaveChecksum(first, transportBytes);
  }

  /** What the kernel wants to find in the field when it is to compute the checksum itself. */
  private static void leaveChecksum(InnerPacket packet, int transportBytes) {
    packet.bytes.putShort(
        packet.transport() + packet.checksumOffset(),
        (short) InternetChecksum.fold(packet.pseudoHeader(transportBytes)));
  }

  private void writeFlags(InnerPacket packet, TransportChecksum worth) {
    switch (worth) {
      case PARTIAL ->
          VirtioHeader.put(
              virtio.bytes(), VirtioHeader.NEEDS_CHECKSUM, packet.ipBytes, packet.checksumOffset());
      case VALID -> VirtioHeader.put(virtio.bytes(), VirtioHeader.CHECKSUM_VALID, 0, 0);
      case NONE -> VirtioHeader.put(virtio.bytes(), 0, 0, 0);
    }
  }

  private void superpacketHeader(InnerPacket packet, int gsoSize) {
    int type =
        packet.protocol == InnerPacket.UDP
            ? VirtioHeader.GSO_UDP
            : packet.family == IpFamily.IPV6 ? VirtioHeader.GSO_TCPV6 : VirtioHeader.GSO_TCPV4;
    VirtioHeader.putSuperpacket(virtio.bytes(), type, gsoSize, packet);
  }

  /**
   * Writes a superpacket that came whole: a veth passes it on without cutting.
   *
   * @param gsoSize payload bytes of its segments
   * @param headers room for the headers of all segments, for a device that takes no UDP
   *     superpackets
   */
  void addSuperpacket(PacketBuffer from, InnerPacket packet, int gsoSize, PacketBuffer headers) {
    flush();
    if (packet.isUdp() && !joinsUdp) {
      VirtioHeader.put(virtio.bytes(), VirtioHeader.CHECKSUM_VALID, 0, 0);
      Segmenter.cut(
          packet,
          gsoSize,
          new Segmenter.Space(headers.bytes(), 0, 0),
          (head, headBytes, body, bodyBytes) -> {
            vectors.set(1, headers.pointer(head), headBytes);
            vectors.set(2, from.pointer(body), bodyBytes);
            write(3);
          });
      return;
    }
    leaveChecksum(packet, packet.transportBytes());
    superpacketHeader(packet, gsoSize);
    vectors.set(1, from.pointer(packet.start), packet.totalBytes);
    write(2);
  }

  private void write(int count) {
    if (device.write(vectors.pointer(0), count) < 0) {
      lost++;
    }
  }

  /** How many writes the device refused since the last time. */
  int takeLost() {
    int taken = lost;
    lost = 0;
    return taken;
  }
}
