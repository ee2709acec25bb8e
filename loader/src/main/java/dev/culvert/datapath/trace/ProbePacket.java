// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.trace;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.packet.InternetChecksum;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.RefusedException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.Objects;

/**
 * A packet such as a container would send, checksums included.
 *
 * @param source the inner one, usually a container's of this host
 * @param destination of the same IP family
 * @param protocol one of {@link Protocol}
 * @param port destination port, 1 to 65535; of no meaning for ICMP
 * @param sizeBytes of the IP packet, header included; at most {@link #MAX_BYTES}
 */
public record ProbePacket(
    InetAddress source, InetAddress destination, Protocol protocol, int port, int sizeBytes) {
  /** What it carries. */
  public enum Protocol {
    /** A segment: 20 bytes of header. */
    TCP(20),
    /** A datagram: 8 bytes of header. */
    UDP(8),
    /** An echo request, of ICMP or ICMPv6: 8 bytes of header. */
    ICMP(8);

    private final int headerBytes;

    Protocol(int headerBytes) {
      this.headerBytes = headerBytes;
    }
  }

  /** BPF_PROG_TEST_RUN takes about one page (4096), headers and the kernel's own room included. */
  public static final int MAX_BYTES = 3500;

  private static final int SOURCE_PORT = 40_000;
  private static final byte HOPS = 64;

  /** As senders that discover the path's MTU do (RFC 1191), which is the rule. */
  private static final int DONT_FRAGMENT = 0x4000;

  private static final byte ECHO_REQUEST = 8; // RFC 792
  private static final byte ECHO_REQUEST_V6 = (byte) 128; // RFC 4443 section 4.1

  /**
   * Checks the values.
   *
   * @throws RefusedException for addresses of two families, no port, or a size that cannot be
   */
  public ProbePacket {
    Objects.requireNonNull(source, "source");
    Objects.requireNonNull(destination, "destination");
    Objects.requireNonNull(protocol, "protocol");
    if (IpFamily.of(source) != IpFamily.of(destination)) {
      throw new RefusedException(
          IpAddresses.text(source)
              + " and "
              + IpAddresses.text(destination)
              + " are of different IP families: a packet has both addresses from one.");
    }
    if (port < 1 || port > 65535) {
      throw new RefusedException("The port " + port + " is outside 1-65535.");
    }
    int least = IpFamily.of(source).headerBytes() + protocol.headerBytes;
    if (sizeBytes < least || sizeBytes > MAX_BYTES) {
      throw new RefusedException(
          "A size of "
              + sizeBytes
              + " bytes is outside "
              + least
              + "-"
              + MAX_BYTES
              + ", headers included; the kernel tries no larger packets.");
    }
  }

  private static boolean isIpv4(InetAddress source) {
    return IpFamily.of(source) == IpFamily.IPV4;
  }

  int etherType() {
    return IpFamily.of(source).etherType();
  }

  private int protocolNumber() {
    return switch (protocol) {
      case TCP -> PacketHeaders.TCP;
      case UDP -> PacketHeaders.UDP;
      case ICMP -> isIpv4(source) ? PacketHeaders.ICMP : PacketHeaders.ICMPV6;
    };
  }

  /** From the Ethernet header on. */
  byte[] frame(MacAddress from, MacAddress to) {
    ByteBuffer out = ByteBuffer.allocate(PacketHeaders.ETHERNET_BYTES + sizeBytes);
    out.put(to.toBytes()).put(from.toBytes()).putShort((short) etherType());
    int ip = out.position();
    int payloadBytes = sizeBytes - IpFamily.of(source).headerBytes();
    if (isIpv4(source)) {
      out.putShort((short) 0x4500).putShort((short) sizeBytes).putInt(DONT_FRAGMENT);
      out.put(HOPS).put((byte) protocolNumber()).putShort((short) 0);
    } else {
      out.putInt(0x6000_0000).putShort((short) payloadBytes);
      out.put((byte) protocolNumber()).put(HOPS);
    }
    out.put(source.getAddress()).put(destination.getAddress());
    if (isIpv4(source)) {
      out.putShort(
          ip + 10, InternetChecksum.of(InternetChecksum.sum(out, ip, IpFamily.IPV4.headerBytes())));
    }
    putTransport(out, payloadBytes);
    return out.array();
  }

  private void putTransport(ByteBuffer out, int bytes) {
    int at = out.position();
    // RFC 9293 section 3.1, RFC 768, RFC 8200 section 8.1; ICMP for IPv4 has no pseudo-header.
    long pseudo = protocolNumber() == PacketHeaders.ICMP ? 0 : protocolNumber() + bytes;
    int addresses =
        protocolNumber() == PacketHeaders.ICMP ? 0 : 2 * IpFamily.of(source).addressBytes();
    int checksum =
        switch (protocol) {
          case TCP -> {
            out.putShort((short) SOURCE_PORT).putShort((short) port).putLong(0);
            out.putShort((short) 0x5002).putShort((short) 0xffff); // five words, SYN; window
            yield at + 16;
          }
          case UDP -> {
            out.putShort((short) SOURCE_PORT).putShort((short) port).putShort((short) bytes);
            yield at + 6;
          }
          case ICMP -> {
            out.put(isIpv4(source) ? ECHO_REQUEST : ECHO_REQUEST_V6);
            yield at + 2;
          }
        };
    long sum = pseudo + InternetChecksum.sum(out, at - addresses, addresses + bytes);
    out.putShort(checksum, InternetChecksum.of(sum));
  }
}
