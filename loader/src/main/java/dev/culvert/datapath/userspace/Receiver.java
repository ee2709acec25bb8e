// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import dev.culvert.datapath.Verdict;
import dev.culvert.kernel.Errno;
import dev.culvert.kernel.socket.DatagramSocket;
import dev.culvert.kernel.socket.SocketAddress;
import dev.culvert.kernel.socket.TunDevice;
import java.nio.ByteBuffer;
import java.util.function.Supplier;

/**
 * From other hosts to the TUN device: takes datagrams by the batch, asks of each inner packet what
 * the eBPF programs ask (bpf/src/decap.h, judge_inner), and writes the good ones. The kernel routes
 * them on to containers, spends the hop, and answers where there are none left. Used by one thread.
 */
final class Receiver {
  static final int MESSAGES = 32;

  /** More than the largest UDP datagram. */
  static final int MESSAGE_BYTES = 66 << 10;

  private static final int SOL_UDP = 17;
  private static final int UDP_GRO = 104;
  private static final int VXLAN_FLAGS = 0x0800_0000;
  private static final int ETHERTYPE_OFFSET = 20;

  /** Headers of a UDP superpacket's segments: 28 or 48 bytes for each of at most 64. */
  private static final int SEGMENT_HEADERS_BYTES = 64 << 10;

  private final DatagramSocket socket;
  private final boolean underlay4;

  /** No VNI is negative. */
  private static final int NO_NETWORK = -1;

  private final int ownVni;
  private final int wireVni;
  private final int innerMtuBytes;
  private final Supplier<ForwardingTable> table;
  private final VerdictCounters counters;
  private final Coalescer coalescer;
  private final PacketBuffer[] memory;
  private final PacketBuffer segmentHeaders;
  private final PacketBuffer names = PacketBuffer.allocate(MESSAGES * SocketAddress.MAX_BYTES);
  private final MessageVectors messages = new MessageVectors(MESSAGES);
  private final IoVectors vectors = new IoVectors(MESSAGES);
  private final InnerPacket packet = new InnerPacket();

  /** Of the datagram at hand. */
  private long outerSourceHigh;

  private long outerSourceLow;
  private int outerEcn;

  /** Payload bytes of each segment, where one packet was merged; else 0. */
  private int unit;

  /**
   * @param innerMtuBytes of this host's containers: what is larger and TCP is a superpacket
   */
  Receiver(Shared shared, DatagramSocket socket, int innerMtuBytes, Buffers buffers) {
    TunDevice tun = shared.tun();
    this.socket = socket;
    this.underlay4 = socket.isIpv4();
    this.ownVni = shared.vni();
    this.wireVni = shared.wireVni();
    this.innerMtuBytes = innerMtuBytes;
    this.table = shared.table();
    this.counters = shared.counters();
    this.coalescer = new Coalescer(tun::write, tun.hasUdpSegmentation());
    this.memory = buffers.take(MESSAGES, MESSAGE_BYTES);
    this.segmentHeaders = buffers.take(SEGMENT_HEADERS_BYTES);
    for (int i = 0; i < MESSAGES; i++) {
      vectors.set(i, memory[i].pointer(), MESSAGE_BYTES);
      messages.setVectors(i, vectors.pointer(i), 1);
    }
  }

  /**
   * Receives and delivers what waits now.
   *
   * @return whether anything did
   */
  boolean work() {
    for (int i = 0; i < MESSAGES; i++) {
      messages.setName(i, names.pointer(i * SocketAddress.MAX_BYTES), SocketAddress.MAX_BYTES);
      messages.offerControl(i);
    }
    int received = socket.receive(messages.pointer(0), MESSAGES);
    if (received < 0) {
      return switch (Errno.of(-received)) {
        case EAGAIN, EINTR -> false;
        default -> throw new DeviceGone(Errno.of(-received));
      };
    }
    ForwardingTable now = table.get();
    for (int i = 0; i < received; i++) {
      datagrams(now, i);
    }
    coalescer.flush();
    for (int lost = coalescer.takeLost(); lost > 0; lost--) {
      counters.count(Verdict.DROPPED_NO_MEMORY, 0);
    }
    return received > 0;
  }

  /**
   * One message: a datagram, or several of one size that the kernel merged (the last may be
   * shorter).
   */
  private void datagrams(ForwardingTable now, int index) {
    readOuter(index);
    int bytes = messages.received(index);
    int part = messages.control(index, SOL_UDP, UDP_GRO, 0);
    boolean merged = part > 0 && part < bytes && !isOnePacket(memory[index].bytes(), bytes);
    unit = merged ? 0 : part;
    int step = merged ? part : Math.max(1, bytes);
    for (int at = 0; at == 0 || at < bytes; at += step) {
      int size = Math.min(step, bytes - at);
      Verdict verdict = handle(now, memory[index], at, size);
      counters.count(verdict, Math.max(0, size - Remote.PROLOGUE_BYTES));
    }
  }

  private void readOuter(int index) {
    int at = SocketAddress.addressOffset(underlay4, index * SocketAddress.MAX_BYTES);
    ByteBuffer name = names.bytes();
    outerSourceHigh = underlay4 ? 0 : name.getLong(at);
    outerSourceLow = underlay4 ? name.getInt(at) & 0xffff_ffffL : name.getLong(at + 8);
    int trafficClass =
        underlay4
            ? messages.control(index, DatagramSocket.SOL_IP, DatagramSocket.IP_TOS, 0)
            : messages.control(index, DatagramSocket.SOL_IPV6, DatagramSocket.IPV6_TCLASS, 0);
    outerEcn = trafficClass & InnerPacket.ECN_MASK;
  }

  /**
   * Whether a message that the kernel calls merged is a tunnel superpacket instead, which a veth
   * passed on whole: then its first inner packet is all of it, and the size given is that of the
   * inner segments.
   */
  private boolean isOnePacket(ByteBuffer bytes, int messageBytes) {
    return packet.read(bytes, Remote.PROLOGUE_BYTES, messageBytes - Remote.PROLOGUE_BYTES)
        && packet.totalBytes == messageBytes - Remote.PROLOGUE_BYTES;
  }

  private Verdict handle(ForwardingTable now, PacketBuffer from, int at, int size) {
    ByteBuffer bytes = from.bytes();
    int inner = at + Remote.PROLOGUE_BYTES;
    if (size < Remote.PROLOGUE_BYTES
        || bytes.getInt(at) != VXLAN_FLAGS
        || !packet.read(bytes, inner, size - Remote.PROLOGUE_BYTES)
        || Short.toUnsignedInt(bytes.getShort(at + ETHERTYPE_OFFSET))
            != packet.family.etherType()) {
      return Verdict.DROPPED_MALFORMED;
    }
    Verdict verdict = judge(now, bytes.getInt(at + 4) >>> 8);
    if (verdict != Verdict.DECAPSULATED) {
      return verdict;
    }
    if (outerEcn == InnerPacket.ECN_CONGESTION) {
      packet.markCongestion();
    }
    deliver(from);
    return verdict;
  }

  private Verdict judge(ForwardingTable now, int onWire) {
    int vni = onWire == wireVni ? ownVni : NO_NETWORK;
    Destination to = vni == ownVni ? now.destination(vni, packet) : null;
    if (to == null) {
      return vni == ownVni && now.source(vni, packet) != null
          ? Verdict.DROPPED_NOT_LOCAL
          : Verdict.DROPPED_UNKNOWN_VNI;
    }
    if (to != Destination.Local.HERE) {
      return Verdict.DROPPED_NOT_LOCAL;
    }
    boolean owner =
        now.source(vni, packet) instanceof Remote remote
            && remote.isVtep(outerSourceHigh, outerSourceLow);
    if (!owner) {
      return Verdict.DROPPED_OUTER_SOURCE;
    }
    // RFC 6040 section 4.2
    return outerEcn == InnerPacket.ECN_CONGESTION && packet.ecn() == InnerPacket.ECN_NOT_CAPABLE
        ? Verdict.DROPPED_CONGESTION_LOST
        : Verdict.DECAPSULATED;
  }

  private void deliver(PacketBuffer from) {
    boolean large = packet.totalBytes > innerMtuBytes;
    if (large && packet.isTcp()) {
      // How it is to be cut got lost on the way; what this host's containers take is always right.
      int most = innerMtuBytes - packet.ipBytes - packet.tcpHeaderBytes();
      coalescer.addSuperpacket(from, packet, most, segmentHeaders);
    } else if (large && unit > 0 && packet.isUdp()) {
      coalescer.addSuperpacket(from, packet, unit, segmentHeaders);
    } else {
      coalescer.add(from, packet);
    }
  }
}
