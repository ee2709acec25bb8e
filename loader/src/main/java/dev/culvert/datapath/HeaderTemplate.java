// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * All that goes before the inner IP header of a packet to one VTEP (RFC 7348 section 5):
 *
 * <pre>
 *          IPv4  IPv6 underlay
 *  offset     0     0  outer Ethernet   a placeholder: the kernel's neighbour table writes the MACs
 *            14    14  outer IP         DF, id 0, TTL 64; length 0
 *            34    54  UDP              source port 0, length 0, checksum 0
 *            42    62  VXLAN            flags 0x08, VNI
 *            50    70  inner Ethernet   VTEP to VTEP, type of the inner family
 *            64    84  end
 * </pre>
 *
 * <p>The program fills in what differs from packet to packet: IP length, UDP length and source
 * port. The IPv4 checksum is that of the header with length 0, so the program adds the length to it
 * (RFC 1624) instead of summing the header.
 *
 * @param inner4 whether the inner packets are IPv4
 */
record HeaderTemplate(
    InetAddress source, Vtep remote, MacAddress localMac, Vni vni, boolean inner4) {
  private static final int ETHERNET = 14;
  private static final int UDP_AND_VXLAN = 16;
  private static final short ETHERTYPE_IPV4 = 0x0800;
  private static final short ETHERTYPE_IPV6 = (short) 0x86dd;
  private static final byte PROTOCOL_UDP = 17;
  private static final byte TTL = 64;
  private static final short DONT_FRAGMENT = 0x4000;
  private static final byte VNI_PRESENT = 0x08;

  HeaderTemplate {
    if (source.getAddress().length != remote.address().getAddress().length) {
      throw new IllegalArgumentException(
          "The VTEPs "
              + source.getHostAddress()
              + " and "
              + remote.address().getHostAddress()
              + " are of different IP families: give both hosts an underlay address of one family.");
    }
  }

  /**
   * Bytes between the largest inner packet and the largest outer packet: 50 over IPv4, 70 over
   * IPv6. The outer Ethernet header is no part of either.
   */
  static int overheadBytes(boolean underlay4) {
    return bytesOver(underlay4) - ETHERNET;
  }

  private static int bytesOver(boolean underlay4) {
    return 2 * ETHERNET + ipBytes(underlay4) + UDP_AND_VXLAN;
  }

  private static int ipBytes(boolean underlay4) {
    return underlay4 ? 20 : 40;
  }

  /** 64 bytes over an IPv4 underlay, 84 over IPv6. */
  byte[] toBytes() {
    boolean underlay4 = Layouts.isIpv4(source);
    ByteBuffer out = ByteBuffer.allocate(bytesOver(underlay4));
    out.position(2 * 6).putShort(etherType(underlay4));
    if (underlay4) {
      putIpv4(out);
    } else {
      putIpv6(out);
    }
    out.putShort((short) 0).putShort((short) remote.port()).putInt(0);
    out.putInt(VNI_PRESENT << 24).putInt(vni.value() << 8);
    out.put(remote.mac().toBytes()).put(localMac.toBytes()).putShort(etherType(inner4));
    return out.array();
  }

  /** Reads a template back, as written by {@link #toBytes()}. */
  static HeaderTemplate of(byte[] header, boolean underlay4) {
    int addressBytes = underlay4 ? 4 : 16;
    int sourceAt = ETHERNET + ipBytes(underlay4) - 2 * addressBytes;
    int udp = ETHERNET + ipBytes(underlay4);
    ByteBuffer in = ByteBuffer.wrap(header);
    int inner = udp + UDP_AND_VXLAN;
    Vtep remote =
        new Vtep(
            Layouts.address(
                Arrays.copyOfRange(header, sourceAt + addressBytes, sourceAt + 2 * addressBytes)),
            Short.toUnsignedInt(in.getShort(udp + 2)),
            MacAddress.of(Arrays.copyOfRange(header, inner, inner + 6)));
    return new HeaderTemplate(
        Layouts.address(Arrays.copyOfRange(header, sourceAt, sourceAt + addressBytes)),
        remote,
        MacAddress.of(Arrays.copyOfRange(header, inner + 6, inner + 12)),
        new Vni(in.getInt(udp + 12) >>> 8),
        in.getShort(inner + 12) == ETHERTYPE_IPV4);
  }

  private void putIpv4(ByteBuffer out) {
    int start = out.position();
    out.putShort((short) 0x4500)
        .putShort((short) 0); // version 4, 5 words, no traffic class; length
    out.putShort((short) 0).putShort(DONT_FRAGMENT);
    out.put(TTL).put(PROTOCOL_UDP).putShort((short) 0);
    out.put(source.getAddress()).put(remote.address().getAddress());
    out.putShort(start + 10, checksum(out, start, out.position()));
  }

  private void putIpv6(ByteBuffer out) {
    out.putInt(0x6000_0000).putShort((short) 0).put(PROTOCOL_UDP).put(TTL);
    out.put(source.getAddress()).put(remote.address().getAddress());
  }

  /** The Internet checksum (RFC 1071) of an even number of bytes. */
  private static short checksum(ByteBuffer bytes, int from, int to) {
    int sum = 0;
    for (int i = from; i < to; i += 2) {
      sum += Short.toUnsignedInt(bytes.getShort(i));
    }
    while (sum >>> 16 != 0) {
      sum = (sum & 0xffff) + (sum >>> 16);
    }
    return (short) ~sum;
  }

  private static short etherType(boolean ipv4) {
    return ipv4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
  }
}
