// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.packet.InternetChecksum;
import java.nio.ByteBuffer;

/**
 * What the two threads need to know of an inner IP packet, read from its headers once (RFC 791, RFC
 * 8200). A flyweight: one per thread, {@linkplain #read filled} for packet after packet. IPv6
 * extension headers are not looked behind: such a packet is carried, but never cut or joined.
 */
final class InnerPacket {
  static final int TCP = 6;
  static final int UDP = 17;
  static final int ICMP = 1;
  static final int ICMPV6 = 58;

  private static final int IPV4_HEADER_BYTES = IpFamily.IPV4.headerBytes();
  private static final int IPV6_HEADER_BYTES = IpFamily.IPV6.headerBytes();
  private static final int MIN_TCP_BYTES = 20;
  private static final int UDP_BYTES = 8;
  private static final int DONT_FRAGMENT = 0x4000;
  private static final int OFFSET_OR_MORE = 0x3fff;
  private static final int OFFSET = 0x1fff;

  /** Explicit congestion notification (RFC 3168): both bits set is "congestion experienced". */
  static final int ECN_MASK = 3;

  static final int ECN_CONGESTION = 3;
  static final int ECN_NOT_CAPABLE = 0;

  ByteBuffer bytes;

  /** Where the IP header begins. */
  int start;

  IpFamily family;

  /** The IP header's length, options included. */
  int ipBytes;

  /** The IP packet's length, by its own header. */
  int totalBytes;

  int protocol;
  int trafficClass;
  boolean dontFragment;
  boolean fragment;
  boolean laterFragment;

  /** Addresses; IPv4 ones are in the low half. */
  long sourceHigh;

  long sourceLow;
  long destinationHigh;
  long destinationLow;

  /**
   * Reads the headers at an offset.
   *
   * @param available bytes from there on
   * @return whether they are whole and agree with themselves
   */
  boolean read(ByteBuffer from, int offset, int available) {
    bytes = from;
    start = offset;
    if (available < IPV4_HEADER_BYTES) {
      return false;
    }
    int version = (from.get(offset) >> 4) & 0xf;
    family = version == 6 ? IpFamily.IPV6 : IpFamily.IPV4;
    return switch (version) {
      case 4 -> readIpv4(from, offset, available);
      case 6 -> available >= IPV6_HEADER_BYTES && readIpv6(from, offset, available);
      default -> false;
    };
  }

  private boolean readIpv4(ByteBuffer from, int offset, int available) {
    ipBytes = (from.get(offset) & 0xf) * 4;
    totalBytes = from.getShort(offset + 2) & 0xffff;
    if (ipBytes < IPV4_HEADER_BYTES || totalBytes < ipBytes || totalBytes > available) {
      return false;
    }
    trafficClass = from.get(offset + 1) & 0xff;
    int fragmentation = from.getShort(offset + 6);
    dontFragment = (fragmentation & DONT_FRAGMENT) != 0;
    fragment = (fragmentation & OFFSET_OR_MORE) != 0;
    laterFragment = (fragmentation & OFFSET) != 0;
    protocol = from.get(offset + 9) & 0xff;
    sourceHigh = 0;
    sourceLow = from.getInt(offset + 12) & 0xffff_ffffL;
    destinationHigh = 0;
    destinationLow = from.getInt(offset + 16) & 0xffff_ffffL;
    return true;
  }

  private boolean readIpv6(ByteBuffer from, int offset, int available) {
    ipBytes = IPV6_HEADER_BYTES;
    totalBytes = IPV6_HEADER_BYTES + (from.getShort(offset + 4) & 0xffff);
    if (totalBytes > available) {
      return false;
    }
    trafficClass = (from.getInt(offset) >>> 20) & 0xff;
    dontFragment = true;
    fragment = false;
    laterFragment = false;
    protocol = from.get(offset + 6) & 0xff;
    sourceHigh = from.getLong(offset + 8);
    sourceLow = from.getLong(offset + 16);
    destinationHigh = from.getLong(offset + 24);
    destinationLow = from.getLong(offset + 32);
    return true;
  }

  int ecn() {
    return trafficClass & ECN_MASK;
  }

  /** Where TCP, UDP or ICMP begins. */
  int transport() {
    return start + ipBytes;
  }

  int transportBytes() {
    return totalBytes - ipBytes;
  }

  int end() {
    return start + totalBytes;
  }

  /** Whether it is whole TCP with a whole header. */
  boolean isTcp() {
    return protocol == TCP
        && !fragment
        && transportBytes() >= MIN_TCP_BYTES
        && tcpHeaderBytes() >= MIN_TCP_BYTES
        && tcpHeaderBytes() <= transportBytes();
  }

  /** Whether it is whole UDP, whose own length says the same as IP's. */
  boolean isUdp() {
    return protocol == UDP
        && !fragment
        && transportBytes() >= UDP_BYTES
        && (bytes.getShort(transport() + 4) & 0xffff) == transportBytes();
  }

  int tcpHeaderBytes() {
    return ((bytes.get(transport() + 12) >> 4) & 0xf) * 4;
  }

  /** Bytes of TCP's or UDP's header; {@link #isTcp} or {@link #isUdp} holds. */
  int transportHeaderBytes() {
    return protocol == TCP ? tcpHeaderBytes() : UDP_BYTES;
  }

  /** Where the checksum is in TCP's or UDP's header. */
  int checksumOffset() {
    return protocol == TCP ? 16 : 6;
  }

  /** Whether it goes to many: the overlay carries none of these. */
  boolean isMulticast() {
    return family == IpFamily.IPV6
        ? destinationHigh >>> 56 == 0xff
        : destinationLow >>> 28 == 0xe || destinationLow == 0xffff_ffffL;
  }

  /**
   * The sum over the pseudo header (RFC 9293 section 3.1, RFC 8200 section 8.1).
   *
   * @param transportBytes of the packet that is meant, which may be a segment of this one
   */
  long pseudoHeader(int transportBytes) {
    return InternetChecksum.sum(sourceHigh, sourceLow)
        + InternetChecksum.sum(destinationHigh, destinationLow)
        + protocol
        + transportBytes;
  }

  /** Spreads flows: the same for all packets of one, fragments by their addresses alone. */
  int flowHash() {
    long mixed = (sourceLow * 0x9e37_79b9_7f4a_7c15L) ^ destinationLow;
    mixed = ((mixed ^ sourceHigh) * 0xbf58_476d_1ce4_e5b9L) ^ destinationHigh ^ protocol;
    if ((protocol == TCP || protocol == UDP) && !fragment && transportBytes() >= 4) {
      mixed = (mixed * 0x94d0_49bb_1331_11ebL) ^ bytes.getInt(transport());
    }
    mixed *= 0x9e37_79b9_7f4a_7c15L;
    return (int) (mixed >>> 32);
  }

  /** Marks "congestion experienced" in the header (RFC 6040). */
  void markCongestion() {
    trafficClass |= ECN_CONGESTION;
    if (family == IpFamily.IPV6) {
      bytes.putInt(start, (bytes.getInt(start) & 0xf00f_ffff) | (trafficClass << 20));
      return;
    }
    bytes.put(start + 1, (byte) trafficClass);
    writeIpv4Checksum(bytes, start, ipBytes);
  }

  static void writeIpv4Checksum(ByteBuffer bytes, int header, int headerBytes) {
    bytes.putShort(header + 10, (short) 0);
    bytes.putShort(
        header + 10, InternetChecksum.of(InternetChecksum.sum(bytes, header, headerBytes)));
  }
}
