// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import java.net.InetAddress;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * Which packets the host's stack has carried, and which answer them, from the documents (RFC 791,
 * 792, 4443, 8200) and not from the programs. Nothing expires here.
 */
final class FlowOracle {
  private static final int ICMP = 1;
  private static final int ICMPV6 = 58;
  private static final int TCP = 6;
  private static final int UDP = 17;
  private static final int DCCP = 33;
  private static final int SCTP = 132;
  private static final int UDP_LITE = 136;
  private static final int ICMP_HEADER_BYTES = 8;

  /** How a packet tells its flow; ports are 0 where there are none, and of fragments. */
  private record Key(
      int vni,
      int protocol,
      boolean fragments,
      InetAddress from,
      InetAddress to,
      int fromPort,
      int toPort) {
    Key reverse() {
      return new Key(vni, protocol, fragments, to, from, toPort, fromPort);
    }

    Key ofFragments() {
      return new Key(vni, protocol, true, from, to, 0, 0);
    }
  }

  /** A packet's place in its flow. */
  private record Place(Key key, boolean fragment, boolean start, boolean error) {}

  private final Set<Key> kept = new HashSet<>();

  /** Remembers what the stack sends. */
  void carry(byte[] packet, int vni, int at, boolean v6) {
    read(packet, vni, at, v6)
        .filter(place -> place.start() && !place.error())
        .map(place -> place.key().reverse())
        .ifPresent(answer -> {
          kept.add(answer);
          kept.add(answer.ofFragments());
        });
  }

  /** Whether a packet, whose IP header is at that offset, is the stack's. */
  boolean answers(byte[] packet, int vni, int at, boolean v6) {
    return read(packet, vni, at, v6)
        .map(place -> place.fragment() ? place.key().ofFragments() : place.key())
        .filter(kept::contains)
        .isPresent();
  }

  private static Optional<Place> read(byte[] packet, int vni, int at, boolean v6) {
    Optional<UpperLayer> whole = UpperLayer.at(packet, at, v6);
    if (whole.isEmpty() || whole.get().protocol() < 0) {
      return Optional.empty();
    }
    if (!isError(whole.get(), v6)) {
      return ports(whole.get(), vni, at, v6)
          .map(key -> new Place(key, whole.get().fragment(), whole.get().start(), false));
    }
    int quotedAt = whole.get().at() + ICMP_HEADER_BYTES;
    Optional<UpperLayer> quoted = UpperLayer.at(packet, quotedAt, v6);
    return quoted
        .filter(upper -> upper.protocol() >= 0)
        .flatMap(upper -> ports(upper, vni, quotedAt, v6))
        .map(key -> new Place(key.reverse(), quoted.get().fragment(), quoted.get().start(), true));
  }

  private static boolean isError(UpperLayer upper, boolean v6) {
    if (upper.fragment()
        || upper.protocol() != (v6 ? ICMPV6 : ICMP)
        || upper.at() >= upper.packet().length) {
      return false;
    }
    int type = upper.packet()[upper.at()] & 255;
    return v6
        ? type < 128
        : switch (type) {
          case 3, 4, 5, 11, 12 -> true;
          default -> false;
        };
  }

  /** Empty when the ports are not all there. */
  private static Optional<Key> ports(UpperLayer upper, int vni, int ipAt, boolean v6) {
    int from = 0;
    int to = 0;
    byte[] packet = upper.packet();
    int at = upper.at();
    if (upper.start()) {
      switch (upper.protocol()) {
        case TCP, UDP, UDP_LITE, SCTP, DCCP -> {
          if (at + 4 > packet.length) {
            return Optional.empty();
          }
          from = PacketOracle.u16(packet, at);
          to = PacketOracle.u16(packet, at + 2);
        }
        case ICMP, ICMPV6 -> {
          if (at + ICMP_HEADER_BYTES > packet.length) {
            return Optional.empty();
          }
          if (isEcho(packet, at, v6)) {
            from = to = PacketOracle.u16(packet, at + 4);
          }
        }
        default -> {}
      }
    }
    int bytes = v6 ? 16 : 4;
    int addresses = ipAt + (v6 ? 8 : 12);
    return Optional.of(
        new Key(
            vni,
            upper.protocol(),
            false,
            PacketOracle.address(packet, addresses, bytes),
            PacketOracle.address(packet, addresses + bytes, bytes),
            from,
            to));
  }

  private static boolean isEcho(byte[] packet, int at, boolean v6) {
    int type = packet[at] & 255;
    return packet[at + 1] == 0 && (v6 ? type == 128 || type == 129 : type == 8 || type == 0);
  }
}
