// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.Verdict;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;

/**
 * The rules of the datapath a second time, in another language and from the documents (RFC 791,
 * 8200, 768, 7348, 6040) instead of from the programs: what must become of a packet that meets the
 * tables of {@link PacketWorld}.
 */
final class PacketOracle {
  private static final int ETHERNET = 14;
  private static final int UDP = 17;
  private static final int TCP = 6;
  private static final int IPV4 = 0x0800;
  private static final int IPV6 = 0x86dd;
  private static final int ARP = 0x0806;
  private static final byte[] OWN_MAC = {2, 0, 0, 0, 1, 2};

  /** Of that MAC: RFC 4291 appendix A. */
  private static final InetAddress OWN_LINK_LOCAL = WorldTables.address("fe80::ff:fe00:102");

  /** An IP header that agrees with itself and with the room it has. */
  record Ip(
      boolean v6, int bytes, int hops, int ecn, int protocol, InetAddress from, InetAddress to) {}

  /** What stands in front of an inner packet, or came with it from the kernel's device. */
  record Outer(int vni, InetAddress source, int ecn) {}

  private final WorldTables tables = new WorldTables();
  private final FlowOracle flows = new FlowOracle();

  /** What from_container does; gso is whether the packet is a superpacket. */
  Verdict fromContainer(byte[] packet, int gsoBytes) {
    int type = u16(packet, 12);
    if (TagOracle.isTagged(packet)) {
      return Verdict.DROPPED_VLAN;
    }
    if (type == ARP) {
      return arp(packet);
    }
    if (type != IPV4 && type != IPV6) {
      return Verdict.PASSED;
    }
    boolean v6 = type == IPV6;
    Optional<Ip> read = readIp(packet, ETHERNET, packet.length - ETHERNET, v6);
    if (read.isEmpty()) {
      return Verdict.DROPPED_MALFORMED;
    }
    Ip ip = read.get();
    if (!Arrays.equals(packet, 6, 12, OWN_MAC, 0, 6)) {
      return Verdict.DROPPED_INNER_MAC;
    }
    if (v6 && (ip.from().isLinkLocalAddress() || ip.from().isAnyLocalAddress())) {
      return onTheLink(packet);
    }
    if (!tables.isSender(ip.from())) {
      return Verdict.DROPPED_INNER_SOURCE;
    }
    if (!toHost(packet)) {
      return Verdict.PASSED;
    }
    Optional<WorldTables.Owner> owner = tables.owner(1, ip.to());
    if (owner.isEmpty()) {
      return UpperLayer.of(packet).isTunnel()
          ? Verdict.DROPPED_TUNNEL_FROM_CONTAINER
          : Verdict.PASSED;
    }
    if (flows.answers(packet, 1, ETHERNET, v6)) {
      return Verdict.PASSED;
    }
    if (owner.get().local()) {
      return tables.isContainer(1, ip.to()) && ip.hops() > 1
          ? Verdict.DELIVERED_LOCALLY
          : Verdict.PASSED;
    }
    return ip.hops() <= 1 ? Verdict.SLOW_PATH : send(owner.get(), ip, packet, gsoBytes);
  }

  private static Verdict onTheLink(byte[] packet) {
    UpperLayer upper = UpperLayer.of(packet);
    if (upper.isTunnel()) {
      return Verdict.DROPPED_TUNNEL_FROM_CONTAINER;
    }
    if (upper.isRouterTalk()) {
      return Verdict.DROPPED_ROUTER_ADVERTISEMENT;
    }
    InetAddress from = address(packet, ETHERNET + 8, 16);
    return from.isAnyLocalAddress() || from.equals(OWN_LINK_LOCAL)
        ? Verdict.PASSED
        : Verdict.DROPPED_INNER_SOURCE;
  }

  /** RFC 826: for IPv4 over Ethernet, from the container's MAC and address, or a probe's none. */
  private Verdict arp(byte[] packet) {
    if (packet.length < ETHERNET + 28
        || u16(packet, 14) != 1
        || u16(packet, 16) != IPV4
        || u16(packet, 18) != 0x0604) {
      return Verdict.DROPPED_MALFORMED;
    }
    if (!Arrays.equals(packet, 6, 12, OWN_MAC, 0, 6)
        || !Arrays.equals(packet, 22, 28, OWN_MAC, 0, 6)) {
      return Verdict.DROPPED_INNER_MAC;
    }
    InetAddress sender = address(packet, 28, 4);
    return sender.isAnyLocalAddress() || tables.isSender(sender)
        ? Verdict.PASSED
        : Verdict.DROPPED_INNER_SOURCE;
  }

  private static Verdict send(WorldTables.Owner owner, Ip ip, byte[] packet, int gsoBytes) {
    if (!owner.reachable()) {
      return Verdict.DROPPED_UNREACHABLE;
    }
    int onWire = gsoBytes > 0 ? gsoBytes + segmentHeaders(ip, packet) : packet.length - ETHERNET;
    if (onWire > owner.mtuBytes()) {
      return mayBeCut(owner, ip, packet, onWire) ? Verdict.SLOW_PATH : Verdict.DROPPED_TOO_BIG;
    }
    if (owner.direct()) {
      return Verdict.ROUTED_DIRECTLY;
    }
    // BPF_PROG_TEST_RUN makes superpackets without a type, which no tunnel can carry.
    return gsoBytes > 0 ? Verdict.SLOW_PATH : Verdict.ENCAPSULATED;
  }

  /** What every segment of a superpacket repeats. */
  private static int segmentHeaders(Ip ip, byte[] packet) {
    int ipBytes = ip.v6() ? 40 : (packet[ETHERNET] & 15) * 4;
    if (ip.protocol() != TCP) {
      return ipBytes + 8;
    }
    int dataOffset = ETHERNET + ipBytes + 12;
    return ipBytes + (dataOffset < packet.length ? (packet[dataOffset] >> 4 & 15) * 4 : 0);
  }

  /** By the sender's leave ("don't fragment"), or outside when no IPv6 sender could send less. */
  private static boolean mayBeCut(WorldTables.Owner owner, Ip ip, byte[] packet, int onWire) {
    boolean outsideIsIpv4 = !owner.direct() && owner.vtep().getAddress().length == 4;
    return ip.v6() ? outsideIsIpv4 && onWire <= 1280 : (packet[20] & 0x40) == 0;
  }

  /** What from_host does with what the host itself sends. */
  Verdict fromHost(byte[] packet, int gsoBytes) {
    Optional<Ip> ip = readOutermost(packet);
    if (ip.isEmpty()) {
      return Verdict.DROPPED_MALFORMED;
    }
    if (ip.get().v6() && packet[ETHERNET + 24] == (byte) 0xff) { // RFC 4291 section 2.7: multicast
      return Verdict.PASSED;
    }
    if (tables.isOwnContainers(1, ip.get().from())) {
      flows.carry(packet, 1, ETHERNET, ip.get().v6());
    }
    if (tables.isContainer(1, ip.get().to())) {
      return Verdict.DELIVERED_LOCALLY;
    }
    return tables
        .owner(1, ip.get().to())
        .map(owner ->
            owner.local() ? Verdict.DROPPED_NO_ENDPOINT : send(owner, ip.get(), packet, gsoBytes))
        .orElse(Verdict.DROPPED_NO_SUBNET);
  }

  /** What from_underlay does. */
  Verdict fromUnderlay(byte[] frame, int gsoBytes) {
    if (!toHost(frame)) {
      return Verdict.PASSED;
    }
    TagOracle tags = TagOracle.of(frame);
    return tags.plain().map(packet -> untagged(packet, gsoBytes)).orElse(tags.verdict());
  }

  private Verdict untagged(byte[] packet, int gsoBytes) {
    int type = u16(packet, 12);
    if (type != IPV4 && type != IPV6) {
      return Verdict.PASSED;
    }
    boolean v6 = type == IPV6;
    if (!isPlainTunnel(packet, v6)) {
      return bare(packet, v6);
    }
    Verdict verdict = tunnel(packet, v6, gsoBytes);
    int destination = ETHERNET + (v6 ? 24 : 16);
    boolean ours = tables.isSelf(address(packet, destination, v6 ? 16 : 4));
    return verdict.isDrop() && !ours ? Verdict.PASSED : verdict;
  }

  private static boolean isPlainTunnel(byte[] packet, boolean v6) {
    int udp = ETHERNET + (v6 ? 40 : 20);
    if (packet.length < udp + 8 || u16(packet, udp + 2) != 4789) {
      return false;
    }
    return v6
        ? packet[20] == UDP
        : packet[23] == UDP && (packet[14] & 15) == 5 && (u16(packet, 20) & 0x3fff) == 0;
  }

  private Verdict bare(byte[] packet, boolean v6) {
    Optional<Ip> read = readIp(packet, ETHERNET, packet.length - ETHERNET, v6);
    Optional<WorldTables.Owner> owner = read.flatMap(ip -> tables.owner(1, ip.from()));
    if (owner.isEmpty()) {
      return Verdict.PASSED;
    }
    if (owner.get().local()) {
      return Verdict.DROPPED_OUTER_SOURCE;
    }
    Ip ip = read.get();
    Optional<WorldTables.Owner> target = tables.owner(1, ip.to());
    if (target.isEmpty()) {
      return Verdict.PASSED;
    }
    if (!owner.get().direct()) {
      return Verdict.DROPPED_OUTER_SOURCE;
    }
    if (!target.get().local()) {
      return Verdict.DROPPED_NOT_LOCAL;
    }
    return tables.isContainer(1, ip.to())
            && ip.hops() > 1
            && !flows.answers(packet, 1, ETHERNET, v6)
        ? Verdict.RECEIVED_DIRECTLY
        : Verdict.SLOW_PATH;
  }

  private Verdict tunnel(byte[] packet, boolean v6, int gsoBytes) {
    int udp = ETHERNET + (v6 ? 40 : 20);
    int innerAt = udp + 8 + 8 + ETHERNET;
    Optional<Ip> outer = readIp(packet, ETHERNET, packet.length - ETHERNET, v6);
    if (packet.length < innerAt || outer.isEmpty()) {
      return Verdict.DROPPED_MALFORMED;
    }
    if (u16(packet, udp + 6) != 0) { // a checksum is the stack's to verify
      return Verdict.SLOW_PATH;
    }
    int innerType = u16(packet, innerAt - 2);
    if (packet[udp + 8] != 8 || (innerType != IPV4 && innerType != IPV6)) {
      return Verdict.DROPPED_MALFORMED;
    }
    int udpBytes = u16(packet, udp + 4);
    if (udpBytes + (v6 ? 40 : 20) > outer.get().bytes()) {
      return Verdict.DROPPED_MALFORMED;
    }
    Optional<Ip> inner = readIp(packet, innerAt, udpBytes - 30, innerType == IPV6);
    if (inner.isEmpty()) {
      return Verdict.DROPPED_MALFORMED;
    }
    int vni = ByteBuffer.wrap(packet).getInt(udp + 12) >>> 8;
    Verdict verdict = judge(new Outer(vni, outer.get().from(), outer.get().ecn()), inner.get());
    if (verdict == Verdict.DECAPSULATED && flows.answers(packet, vni, innerAt, innerType == IPV6)) {
      return Verdict.SLOW_PATH;
    }
    boolean cannotCut = gsoBytes > 0 && verdict == Verdict.DECAPSULATED;
    return cannotCut ? Verdict.SLOW_PATH : verdict;
  }

  /** What from_tunnel does with what the kernel's device has unwrapped. */
  Verdict fromTunnel(byte[] packet, int vni, InetAddress source) {
    return readOutermost(packet)
        .map(inner -> {
          Verdict verdict = judge(new Outer(vni, source, 0), inner);
          return verdict == Verdict.DECAPSULATED && flows.answers(packet, vni, ETHERNET, inner.v6())
              ? Verdict.SLOW_PATH
              : verdict;
        })
        .orElse(Verdict.DROPPED_MALFORMED);
  }

  private Verdict judge(Outer outer, Ip inner) {
    boolean container = tables.isContainer(outer.vni(), inner.to());
    Optional<WorldTables.Owner> target = tables.owner(outer.vni(), inner.to());
    Optional<WorldTables.Owner> sender = tables.owner(outer.vni(), inner.from());
    if (!container && target.isEmpty()) {
      return sender.isPresent() ? Verdict.DROPPED_NOT_LOCAL : Verdict.DROPPED_UNKNOWN_VNI;
    }
    if (!container && !target.get().local()) {
      return Verdict.DROPPED_NOT_LOCAL;
    }
    if (sender.isEmpty() || sender.get().local() || !sender.get().vtep().equals(outer.source())) {
      return Verdict.DROPPED_OUTER_SOURCE;
    }
    if (outer.ecn() == 3 && inner.ecn() == 0) {
      return Verdict.DROPPED_CONGESTION_LOST;
    }
    return container && inner.hops() > 1 ? Verdict.DECAPSULATED : Verdict.SLOW_PATH;
  }

  private static Optional<Ip> readOutermost(byte[] packet) {
    int type = u16(packet, 12);
    return type == IPV4 || type == IPV6
        ? readIp(packet, ETHERNET, packet.length - ETHERNET, type == IPV6)
        : Optional.empty();
  }

  /** Reads a header; empty when it is not all there, contradicts itself, or claims more room. */
  static Optional<Ip> readIp(byte[] packet, int at, int room, boolean v6) {
    if (packet.length - at < (v6 ? 40 : 20) || (packet[at] & 0xf0) != (v6 ? 0x60 : 0x40)) {
      return Optional.empty();
    }
    int bytes = v6 ? 40 + u16(packet, at + 4) : u16(packet, at + 2);
    int headerBytes = v6 ? 40 : (packet[at] & 15) * 4;
    if (headerBytes < 20 || bytes < headerBytes || bytes > room) {
      return Optional.empty();
    }
    return Optional.of(
        v6
            ? new Ip(
                true,
                bytes,
                packet[at + 7] & 255,
                packet[at + 1] >> 4 & 3,
                packet[at + 6] & 255,
                address(packet, at + 8, 16),
                address(packet, at + 24, 16))
            : new Ip(
                false,
                bytes,
                packet[at + 8] & 255,
                packet[at + 1] & 3,
                packet[at + 9] & 255,
                address(packet, at + 12, 4),
                address(packet, at + 16, 4)));
  }

  /** The test runs on the loopback device, whose address is all zero. */
  static boolean toHost(byte[] packet) {
    return Arrays.equals(packet, 0, 6, new byte[6], 0, 6);
  }

  static int u16(byte[] bytes, int at) {
    return (bytes[at] & 255) << 8 | (bytes[at + 1] & 255);
  }

  static InetAddress address(byte[] bytes, int at, int length) {
    return WorldTables.raw(Arrays.copyOfRange(bytes, at, at + length));
  }
}
