// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.packet;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import dev.culvert.kernel.IpAddresses;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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
 * @param inner the inner packets' family
 */
public record HeaderTemplate(
    InetAddress source, Vtep remote, MacAddress localMac, Vni vni, IpFamily inner) {
  private static final int ETHERNET = 14;
  private static final int UDP_AND_VXLAN = 16;
  private static final int PROTOCOL_UDP = 17;
  private static final int TTL = 64;
  private static final int DONT_FRAGMENT = 0x4000;
  private static final int VNI_PRESENT = 0x08;

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

  /** Bytes of a template: 64 over an IPv4 underlay, 84 over IPv6. */
  public static int bytesOver(IpFamily underlay) {
    return ETHERNET + underlay.overheadBytes();
  }

  /**
   * Writes the template for packets to a subnet from {@code at} on. Allocates nothing that outlives
   * the call: a large batch goes through here.
   *
   * @throws IllegalArgumentException when the VTEPs are of different families
   */
  public static void write(RemoteSubnet to, MemorySegment out, long at) {
    InetAddress source = to.local().address();
    InetAddress remote = to.remote().address();
    IpFamily underlay = IpFamily.of(source);
    if (underlay != IpFamily.of(remote)) {
      throw ofDifferentFamilies(source, remote);
    }
    out.set(INT, at, 0);
    out.set(LONG, at + 4, 0);
    out.set(SHORT, at + 12, (short) underlay.etherType());
    switch (underlay) {
      case IPV4 -> writeIpv4(source, remote, out, at + ETHERNET);
      case IPV6 -> writeIpv6(source, remote, out, at + ETHERNET);
    }
    long udp = at + ETHERNET + underlay.headerBytes();
    writeUdpAndVxlan(to, out, udp);
    long inner = udp + UDP_AND_VXLAN;
    writeMac(out, inner, to.remote().mac());
    writeMac(out, inner + 6, to.local().mac());
    out.set(SHORT, inner + 12, (short) to.subnet().prefix().family().etherType());
  }

  private static IllegalArgumentException ofDifferentFamilies(InetAddress one, InetAddress other) {
    return new IllegalArgumentException(
        "The VTEPs "
            + IpAddresses.text(one)
            + " and "
            + IpAddresses.text(other)
            + " are of different IP families: give both hosts an underlay address of one family.");
  }

  /** Reads a template back, as written by {@link #write}. */
  public static HeaderTemplate of(byte[] header, IpFamily underlay) {
    int addressBytes = underlay.addressBytes();
    int sourceAt = ETHERNET + underlay.headerBytes() - 2 * addressBytes;
    int udp = ETHERNET + underlay.headerBytes();
    ByteBuffer in = ByteBuffer.wrap(header);
    int inner = udp + UDP_AND_VXLAN;
    Vtep remote =
        new Vtep(
            IpFamily.address(
                Arrays.copyOfRange(header, sourceAt + addressBytes, sourceAt + 2 * addressBytes)),
            Short.toUnsignedInt(in.getShort(udp + 2)),
            MacAddress.of(Arrays.copyOfRange(header, inner, inner + 6)));
    return new HeaderTemplate(
        IpFamily.address(Arrays.copyOfRange(header, sourceAt, sourceAt + addressBytes)),
        remote,
        MacAddress.of(Arrays.copyOfRange(header, inner + 6, inner + 12)),
        new Vni(in.getInt(udp + 12) >>> 8),
        IpFamily.ofEtherType(Short.toUnsignedInt(in.getShort(inner + 12))).orElseThrow());
  }

  /** Version 4, five words, "don't fragment"; traffic class, length and id 0. */
  private static void writeIpv4(
      InetAddress source, InetAddress remote, MemorySegment out, long at) {
    out.set(INT, at, 0x4500_0000);
    out.set(INT, at + 4, DONT_FRAGMENT);
    out.set(INT, at + 8, TTL << 24 | PROTOCOL_UDP << 16);
    AddressBytes.put(out, at + 12, source);
    AddressBytes.put(out, at + 16, remote);
    long sum =
        InternetChecksum.sum(out.get(LONG, at), out.get(LONG, at + 8))
            + InternetChecksum.sum(0, Integer.toUnsignedLong(out.get(INT, at + 16)));
    out.set(SHORT, at + 10, InternetChecksum.of(sum));
  }

  private static void writeIpv6(
      InetAddress source, InetAddress remote, MemorySegment out, long at) {
    out.set(INT, at, 0x6000_0000);
    out.set(INT, at + 4, PROTOCOL_UDP << 8 | TTL);
    AddressBytes.put(out, at + 8, source);
    AddressBytes.put(out, at + 24, remote);
  }

  private static void writeUdpAndVxlan(RemoteSubnet to, MemorySegment out, long at) {
    out.set(SHORT, at, (short) 0);
    out.set(SHORT, at + 2, (short) to.remote().port());
    out.set(INT, at + 4, 0);
    out.set(INT, at + 8, VNI_PRESENT << 24);
    out.set(INT, at + 12, to.wireVni().value() << 8);
  }

  private static void writeMac(MemorySegment out, long at, MacAddress mac) {
    out.set(SHORT, at, (short) (mac.bits() >>> 32));
    out.set(INT, at + 2, (int) mac.bits());
  }
}
