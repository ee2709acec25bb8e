// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.packet.InternetChecksum;
import dev.culvert.kernel.Errno;
import dev.culvert.kernel.socket.TunDevice;
import java.util.function.Supplier;

/**
 * From the TUN device to other hosts. Takes all packets that wait, up to an area full, and sends
 * them with as few system calls as that allows. Used by one thread.
 */
final class Sender implements Outbox.Refusals {
  /** What is read goes here, one packet behind the other. */
  static final int AREA_BYTES = 512 << 10;

  /** Headers of segments go here. */
  static final int HEADERS_BYTES = 256 << 10;

  /** Room in front of each packet for a prologue, or for what the TUN device puts there. */
  private static final int HEADROOM_BYTES = 64;

  /** A superpacket has at most 65535 bytes and a header, and then there is room to spare. */
  private static final int MAX_READ_BYTES = 65_535 + VirtioHeader.BYTES;

  private static final int SLOT_BYTES = HEADROOM_BYTES + MAX_READ_BYTES;
  private static final int ALIGNMENT_BYTES = 64;

  private final TunDevice tun;
  private final int vni;
  private final Supplier<ForwardingTable> table;
  private final VerdictCounters counters;
  private final IcmpErrors errors;
  private final PathMtus paths;
  private final PacketBuffer area;
  private final PacketBuffer headers;
  private final InnerPacket packet = new InnerPacket();
  private Outboxes outboxes;
  private int usedHeaders;

  Sender(Shared shared, IcmpErrors errors, PathMtus paths, Buffers buffers) {
    this.tun = shared.tun();
    this.vni = shared.vni();
    this.table = shared.table();
    this.counters = shared.counters();
    this.errors = errors;
    this.paths = paths;
    this.area = buffers.take(AREA_BYTES);
    this.headers = buffers.take(HEADERS_BYTES);
  }

  /** Where its packets leave; they report refusals to this sender. */
  void setOutboxes(Outboxes boxes) {
    outboxes = boxes;
  }

  /**
   * Reads and sends what waits now.
   *
   * @return whether anything did
   * @throws DeviceGone when the TUN device was deleted
   */
  boolean work() {
    ForwardingTable now = table.get();
    usedHeaders = 0;
    int at = 0;
    while (at + SLOT_BYTES <= AREA_BYTES) {
      int start = at + HEADROOM_BYTES;
      int read = tun.read(area.pointer(start - VirtioHeader.BYTES), MAX_READ_BYTES);
      if (read < 0) {
        requireNothingWaits(read);
        break;
      }
      int bytes = read - VirtioHeader.BYTES;
      counters.count(handle(now, start, bytes), bytes);
      at = (start + bytes + ALIGNMENT_BYTES - 1) & -ALIGNMENT_BYTES;
    }
    outboxes.flush();
    return at > 0;
  }

  private static void requireNothingWaits(int result) {
    switch (Errno.of(-result)) {
      case EAGAIN, EINTR -> {}
      default -> throw new DeviceGone(Errno.of(-result));
    }
  }

  private Verdict handle(ForwardingTable now, int start, int bytes) {
    if (!packet.read(area.bytes(), start, bytes)) {
      return Verdict.DROPPED_MALFORMED;
    }
    if (packet.isMulticast()) {
      return Verdict.PASSED; // the host's own chatter on the device (MLD, mDNS): not the overlay's
    }
    Destination from = now.source(vni, packet);
    Destination to = now.destination(vni, packet);
    if (from != Destination.Local.HERE) {
      // The kernel sends back what it received for nobody, as this device is all it knows of.
      boolean received = from instanceof Remote && to == Destination.Local.HERE;
      return received ? unreachable(Verdict.DROPPED_NO_ENDPOINT) : Verdict.DROPPED_INNER_SOURCE;
    }
    return switch (to) {
      case null -> unreachable(Verdict.DROPPED_NO_SUBNET);
      case Destination.Local _ -> unreachable(Verdict.DROPPED_NO_ENDPOINT);
      case Remote remote when !remote.isReachable() -> unreachable(Verdict.DROPPED_UNREACHABLE);
      case Remote remote -> send(remote, start);
    };
  }

  private Verdict unreachable(Verdict verdict) {
    errors.unreachable(packet);
    return verdict;
  }

  private Verdict send(Remote remote, int start) {
    int header = start - VirtioHeader.BYTES;
    int gsoType = VirtioHeader.gsoType(area.bytes(), header);
    int gsoSize = VirtioHeader.gsoSize(area.bytes(), header);
    boolean superpacket = gsoType != VirtioHeader.GSO_NONE;
    if (superpacket && !(gsoSize > 0 && (packet.isTcp() || packet.isUdp()))) {
      return Verdict.DROPPED_MALFORMED;
    }
    int wireBytes =
        superpacket
            ? Math.min(packet.totalBytes, packet.ipBytes + packet.transportHeaderBytes() + gsoSize)
            : packet.totalBytes;
    int mtuBytes = paths.innerMtuBytes(remote);
    if (wireBytes > mtuBytes) {
      return tooBig(remote, mtuBytes, superpacket, header);
    }
    Outbox outbox = outboxes.of(packet.flowHash());
    if (superpacket) {
      sendSegments(remote, outbox, gsoSize);
    } else {
      completeChecksum(header);
      sendWhole(remote, outbox);
    }
    return Verdict.ENCAPSULATED;
  }

  private void sendWhole(Remote remote, Outbox outbox) {
    int prologue = packet.start - Remote.PROLOGUE_BYTES;
    remote.writePrologue(area.bytes(), prologue, packet.family);
    // In two pieces, as all datagrams are.
    outbox.next(remote, packet.ecn(), Remote.PROLOGUE_BYTES + packet.totalBytes);
    outbox.piece(area.pointer(prologue), Remote.PROLOGUE_BYTES);
    outbox.piece(area.pointer(packet.start), packet.totalBytes);
  }

  private void sendSegments(Remote remote, Outbox outbox, int gsoSize) {
    int at = takeHeaders(Segmenter.headerBytes(packet, gsoSize, Remote.PROLOGUE_BYTES));
    Segmenter.cut(packet, gsoSize, space(at), pieces(remote, outbox));
  }

  private Segmenter.Space space(int at) {
    return new Segmenter.Space(headers.bytes(), at, Remote.PROLOGUE_BYTES);
  }

  private Segmenter.Sink pieces(Remote remote, Outbox outbox) {
    return (head, headBytes, body, bodyBytes) -> {
      remote.writePrologue(headers.bytes(), head, packet.family);
      outbox.next(remote, packet.ecn(), headBytes + bodyBytes);
      outbox.piece(headers.pointer(head), headBytes);
      outbox.piece(area.pointer(body), bodyBytes);
    };
  }

  /** Room for headers; when it is used up, what was written so far is sent first. */
  private int takeHeaders(int bytes) {
    if (usedHeaders + bytes > HEADERS_BYTES) {
      outboxes.flush();
      usedHeaders = 0;
    }
    int at = usedHeaders;
    usedHeaders += bytes;
    return at;
  }

  private Verdict tooBig(Remote remote, int mtuBytes, boolean superpacket, int header) {
    if (superpacket || !Fragmenter.canCut(packet, mtuBytes)) {
      // Also who lets it be cut: nobody here does, and such a sender believes the size as well.
      errors.tooBig(packet, mtuBytes);
      return Verdict.DROPPED_TOO_BIG;
    }
    completeChecksum(header);
    int at = takeHeaders(Fragmenter.headerBytes(packet, mtuBytes, Remote.PROLOGUE_BYTES));
    Fragmenter.cut(packet, mtuBytes, space(at), pieces(remote, outboxes.of(packet.flowHash())));
    return Verdict.ENCAPSULATED;
  }

  /** What the kernel left to the device: the field holds the sum of the pseudo header. */
  private void completeChecksum(int header) {
    if ((VirtioHeader.flags(area.bytes(), header) & VirtioHeader.NEEDS_CHECKSUM) == 0) {
      return;
    }
    int from = packet.start + VirtioHeader.checksumStart(area.bytes(), header);
    int field = from + VirtioHeader.checksumOffset(area.bytes(), header);
    if (field + 2 > packet.end()) {
      return;
    }
    long sum = InternetChecksum.sum(area.bytes(), from, packet.end() - from);
    area.bytes()
        .putShort(
            field,
            packet.protocol == InnerPacket.UDP
                ? InternetChecksum.ofUdp(sum)
                : InternetChecksum.of(sum));
  }

  /** The kernel took the datagrams for encapsulated, and then had no way for them. */
  @Override
  public void refused(Remote to, Errno errno) {
    switch (errno) {
      case EMSGSIZE -> {
        paths.shrank(to);
        counters.count(Verdict.DROPPED_TOO_BIG, 0);
      }
      case ENOBUFS, ENOMEM, EAGAIN -> counters.count(Verdict.DROPPED_NO_MEMORY, 0);
      default -> counters.count(Verdict.DROPPED_UNREACHABLE, 0);
    }
  }
}
