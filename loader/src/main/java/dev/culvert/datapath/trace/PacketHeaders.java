// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.trace;

import dev.culvert.datapath.IpFamily;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What the first bytes of a frame say. Reading never fails: where the bytes end or contradict
 * themselves, so does what is told.
 *
 * @param etherType of the outermost Ethernet header; 0 when not even that is there
 * @param tunnel for a VXLAN packet (RFC 7348), what is outside
 * @param ip the innermost IP header; empty when there is none
 */
public record PacketHeaders(int etherType, Optional<Tunnel> tunnel, Optional<Ip> ip) {
  /** Checks that all is there. */
  public PacketHeaders {
    Objects.requireNonNull(tunnel, "tunnel");
    Objects.requireNonNull(ip, "ip");
  }

  /**
   * The outer headers of a tunnel packet.
   *
   * @param outer with the tunnel's UDP ports
   * @param vni 0 to 2^24-1, as the packet has it: 0 is none of ours
   */
  public record Tunnel(Ip outer, int vni) {
    /** Checks that all is there. */
    public Tunnel {
      Objects.requireNonNull(outer, "outer");
    }
  }

  /**
   * An IP header and the first of what follows.
   *
   * @param source of the header
   * @param destination of the header
   * @param protocol IANA's number; for IPv6 the first next header
   * @param sourcePort of TCP, UDP or SCTP; empty behind the first fragment
   * @param destinationPort likewise
   * @param hops that routers may still take: TTL, or hop limit
   * @param fragment whether this is a part of a packet
   */
  public record Ip(
      InetAddress source,
      InetAddress destination,
      int protocol,
      OptionalInt sourcePort,
      OptionalInt destinationPort,
      int hops,
      boolean fragment) {
    /** Checks that all is there. */
    public Ip {
      Objects.requireNonNull(source, "source");
      Objects.requireNonNull(destination, "destination");
      Objects.requireNonNull(sourcePort, "sourcePort");
      Objects.requireNonNull(destinationPort, "destinationPort");
    }

    /** {@return the protocol as people call it, such as {@code UDP}, or its number} */
    public String protocolName() {
      return switch (protocol) {
        case ICMP -> "ICMP";
        case TCP -> "TCP";
        case UDP -> "UDP";
        case ICMPV6 -> "ICMPv6";
        case SCTP -> "SCTP";
        default -> Integer.toString(protocol);
      };
    }
  }

  static final int ICMP = 1;
  static final int TCP = 6;
  static final int UDP = 17;
  static final int ICMPV6 = 58;
  static final int SCTP = 132;

  static final int ETHERNET_BYTES = 14;
  private static final int UDP_AND_VXLAN_BYTES = 16;

  /** "More fragments" and the offset (RFC 791 section 3.1). */
  private static final int FRAGMENT = 0x3fff;

  private static final int FRAGMENT_OFFSET = 0x1fff;

  /**
   * Reads them.
   *
   * @param frame from the Ethernet header on, as much of it as there is
   * @param tunnelPort UDP to this port is taken for VXLAN
   */
  static PacketHeaders of(byte[] frame, int tunnelPort) {
    ByteBuffer bytes = ByteBuffer.wrap(frame);
    if (frame.length < ETHERNET_BYTES) {
      return new PacketHeaders(0, Optional.empty(), Optional.empty());
    }
    int etherType = Short.toUnsignedInt(bytes.getShort(12));
    Optional<IpFamily> family = IpFamily.ofEtherType(etherType);
    Optional<Ip> outer = family.flatMap(of -> ip(bytes, ETHERNET_BYTES, of));
    boolean isTunnel =
        outer
            .filter(o -> o.protocol() == UDP)
            .filter(o -> o.destinationPort().equals(OptionalInt.of(tunnelPort)))
            .isPresent();
    int udp = ETHERNET_BYTES + family.map(IpFamily::headerBytes).orElse(0);
    int inner = udp + UDP_AND_VXLAN_BYTES;
    if (!isTunnel || frame.length < inner) {
      return new PacketHeaders(etherType, Optional.empty(), outer);
    }
    Tunnel tunnel = new Tunnel(outer.get(), bytes.getInt(udp + 12) >>> 8);
    Optional<Ip> ip =
        frame.length < inner + ETHERNET_BYTES
            ? Optional.empty()
            : IpFamily.ofEtherType(Short.toUnsignedInt(bytes.getShort(inner + 12)))
                .flatMap(of -> ip(bytes, inner + ETHERNET_BYTES, of));
    return new PacketHeaders(etherType, Optional.of(tunnel), ip);
  }

  private static Optional<Ip> ip(ByteBuffer bytes, int at, IpFamily family) {
    if (bytes.limit() < at + family.headerBytes()) {
      return Optional.empty();
    }
    return switch (family) {
      case IPV4 -> ipv4(bytes, at);
      case IPV6 -> ipv6(bytes, at);
    };
  }

  private static Optional<Ip> ipv4(ByteBuffer bytes, int at) {
    if (bytes.get(at) >> 4 != 4) {
      return Optional.empty();
    }
    int fragment = bytes.getShort(at + 6) & FRAGMENT;
    int protocol = Byte.toUnsignedInt(bytes.get(at + 9));
    int next = at + (bytes.get(at) & 0xf) * 4;
    boolean hasPorts = (fragment & FRAGMENT_OFFSET) == 0;
    return Optional.of(
        new Ip(
            address(bytes, at + 12, IpFamily.IPV4),
            address(bytes, at + 16, IpFamily.IPV4),
            protocol,
            hasPorts ? port(bytes, next, protocol) : OptionalInt.empty(),
            hasPorts ? port(bytes, next + 2, protocol) : OptionalInt.empty(),
            Byte.toUnsignedInt(bytes.get(at + 8)),
            fragment != 0));
  }

  private static Optional<Ip> ipv6(ByteBuffer bytes, int at) {
    if ((bytes.get(at) >> 4 & 0xf) != 6) {
      return Optional.empty();
    }
    int protocol = Byte.toUnsignedInt(bytes.get(at + 6));
    return Optional.of(
        new Ip(
            address(bytes, at + 8, IpFamily.IPV6),
            address(bytes, at + 24, IpFamily.IPV6),
            protocol,
            port(bytes, at + IpFamily.IPV6.headerBytes(), protocol),
            port(bytes, at + IpFamily.IPV6.headerBytes() + 2, protocol),
            Byte.toUnsignedInt(bytes.get(at + 7)),
            protocol == 44)); // the fragment header, RFC 8200 section 4.5
  }

  private static OptionalInt port(ByteBuffer bytes, int at, int protocol) {
    boolean has = protocol == TCP || protocol == UDP || protocol == SCTP;
    return has && bytes.limit() >= at + 2
        ? OptionalInt.of(Short.toUnsignedInt(bytes.getShort(at)))
        : OptionalInt.empty();
  }

  private static InetAddress address(ByteBuffer bytes, int at, IpFamily family) {
    byte[] raw = new byte[family.addressBytes()];
    bytes.get(at, raw);
    return IpFamily.address(raw);
  }
}
