// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import java.util.Optional;

/**
 * What an IP packet carries behind options and extension headers (RFC 791, RFC 8200 section 4, RFC
 * 4302 section 2.2), of one that {@link PacketOracle} has found whole.
 *
 * @param protocol -1 when the headers lead out of the packet, or there are more than eight
 * @param at offset of what follows them
 * @param fragment whether this is one
 * @param start whether it starts here: not in any but the first fragment
 */
@SuppressWarnings("ArrayRecordComponent") // a view of a packet, never compared
record UpperLayer(byte[] packet, int protocol, int at, boolean fragment, boolean start) {
  private static final int UDP = 17;
  private static final int ICMP = 1;
  private static final int ICMPV6 = 58;
  private static final int MOST_HEADERS = 8;

  static UpperLayer of(byte[] packet) {
    return at(packet, 14, packet[12] != 0x08).orElseThrow();
  }

  /** Behind the IP header at an offset, whatever else it says; empty when it is not all there. */
  static Optional<UpperLayer> at(byte[] packet, int ip, boolean v6) {
    if (ip + (v6 ? 40 : 20) > packet.length) {
      return Optional.empty();
    }
    return Optional.of(v6 ? behindIpv6(packet, ip) : behindIpv4(packet, ip));
  }

  private static UpperLayer behindIpv4(byte[] packet, int ip) {
    int fragment = PacketOracle.u16(packet, ip + 6);
    return new UpperLayer(
        packet,
        packet[ip + 9] & 255,
        ip + (packet[ip] & 15) * 4,
        (fragment & 0x3fff) != 0,
        (fragment & 0x1fff) == 0);
  }

  private static UpperLayer behindIpv6(byte[] packet, int ip) {
    UpperLayer here = new UpperLayer(packet, packet[ip + 6] & 255, ip + 40, false, true);
    for (int i = 0; i < MOST_HEADERS; i++) {
      if (!here.isExtension()) {
        return here;
      }
      here = here.next();
    }
    return here.broken();
  }

  private boolean isExtension() {
    return switch (protocol) {
      case 0, 43, 44, 51, 60 -> true;
      default -> false;
    };
  }

  private UpperLayer next() {
    if (at + 4 > packet.length) {
      return broken();
    }
    int units = packet[at + 1] & 255;
    int bytes =
        switch (protocol) {
          case 44 -> 8;
          case 51 -> (units + 2) * 4;
          default -> (units + 1) * 8;
        };
    boolean first = protocol != 44 || PacketOracle.u16(packet, at + 2) >>> 3 == 0;
    return new UpperLayer(
        packet, packet[at] & 255, at + bytes, fragment || protocol == 44, start && first);
  }

  private UpperLayer broken() {
    return new UpperLayer(packet, -1, at, fragment, false);
  }

  /** A tunnel packet, or ICMP that quotes one. */
  boolean isTunnel() {
    return protocol == -1
        || (start && (protocol == UDP ? isTunnelAt(at) : isIcmp() && quotesTunnel(at + 8)));
  }

  private boolean isTunnelAt(int udp) {
    return udp + 8 <= packet.length && PacketOracle.u16(packet, udp + 2) == 4789;
  }

  private boolean isIcmp() {
    return protocol == (isIpv6() ? ICMPV6 : ICMP);
  }

  private boolean isIpv6() {
    return packet[12] != 0x08;
  }

  private boolean quotesTunnel(int quoted) {
    if (isIpv6()) {
      return quoted + 40 <= packet.length && packet[quoted + 6] == UDP && isTunnelAt(quoted + 40);
    }
    return quoted + 20 <= packet.length
        && packet[quoted + 9] == UDP
        && isTunnelAt(quoted + (packet[quoted] & 15) * 4);
  }

  /** Router advertisements and redirects (RFC 4861 section 4). */
  boolean isRouterTalk() {
    return protocol == ICMPV6
        && start
        && at < packet.length
        && ((packet[at] & 255) == 134 || (packet[at] & 255) == 137);
  }
}
