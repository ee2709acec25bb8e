// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.packet.InternetChecksum;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.socket.DatagramSocket;
import dev.culvert.kernel.socket.SocketAddress;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Tells senders why their packets go no further, as a router must (RFC 1812 sections 4.3 and 5.2.7,
 * RFC 1191, RFC 4443), from the gateway's address of its family. Exhausted hops are the kernel's to
 * tell of: it routes each packet to the TUN device or from it. Used by one thread.
 *
 * <p>At most {@value #BURST} at once and {@value #PER_SECOND} a second; none about ICMP errors,
 * later fragments, or packets from or to many.
 */
final class IcmpErrors implements AutoCloseable {
  static final int BURST = 50;
  static final int PER_SECOND = 1000;

  private static final int HEADER_BYTES = 8;

  /** Type 3, destination unreachable, and two of its codes. */
  private static final int UNREACHABLE4 = 3;

  private static final int HOST_UNREACHABLE4 = 1;
  private static final int FRAGMENTATION_NEEDED = 4;

  /** ICMPv6: type 1 with code 3 (address unreachable), and type 2. */
  private static final int UNREACHABLE6 = 1;

  private static final int ADDRESS_UNREACHABLE6 = 3;
  private static final int TOO_BIG6 = 2;

  /** One for each family that the overlay has. */
  private final Map<IpFamily, DatagramSocket> sockets;

  private final LongSupplier clockNs;
  private final PacketBuffer message =
      PacketBuffer.allocate(HEADER_BYTES + mostQuotedBytes(IpFamily.IPV6));
  private long refilledNs;
  private double allowance = BURST;

  IcmpErrors(Libc libc, List<InetAddress> gateways, LongSupplier clockNs) {
    this.sockets = open(libc, gateways);
    this.clockNs = clockNs;
    this.refilledNs = clockNs.getAsLong();
  }

  /** All or none. */
  private static Map<IpFamily, DatagramSocket> open(Libc libc, List<InetAddress> gateways) {
    Map<IpFamily, DatagramSocket> opened = new EnumMap<>(IpFamily.class);
    try {
      gateways.forEach(
          gateway -> opened.put(IpFamily.of(gateway), DatagramSocket.icmp(libc, gateway)));
      return opened;
    } catch (RuntimeException e) {
      opened.values().forEach(DatagramSocket::close);
      throw e;
    }
  }

  /** Nobody has the destination, or there is no way to its VTEP. */
  void unreachable(InnerPacket about) {
    switch (about.family) {
      case IPV4 -> send(about, new Told(UNREACHABLE4, HOST_UNREACHABLE4, 0));
      case IPV6 -> send(about, new Told(UNREACHABLE6, ADDRESS_UNREACHABLE6, 0));
    }
  }

  /** Larger than the way takes, and must not be cut. */
  void tooBig(InnerPacket about, int mtuBytes) {
    switch (about.family) {
      case IPV4 -> send(about, new Told(UNREACHABLE4, FRAGMENTATION_NEEDED, mtuBytes));
      case IPV6 -> send(about, new Told(TOO_BIG6, 0, mtuBytes));
    }
  }

  /** type and code as in ICMP (RFC 792) or ICMPv6 (RFC 4443); mtuBytes 0 where it says none. */
  record Told(int type, int code, int mtuBytes) {}

  private void send(InnerPacket about, Told told) {
    DatagramSocket socket = sockets.get(about.family);
    if (socket != null && mayTell(about) && takeAllowance()) {
      int bytes = write(message.bytes(), about, told);
      // A lost error is like a lost packet: the sender will meet the next one.
      long _ = socket.sendTo(new SocketAddress(source(about), 0), message.pointer(), bytes);
    }
  }

  /** So that the error fits into 576 (RFC 1812 section 4.3.2.3) and 1280 bytes (RFC 4443). */
  private static int mostQuotedBytes(IpFamily family) {
    return family.leastMtuBytes() - family.headerBytes() - HEADER_BYTES;
  }

  /** Writes the message; its length. */
  static int write(ByteBuffer out, InnerPacket about, Told told) {
    int quoted = Math.min(about.totalBytes, mostQuotedBytes(about.family));
    out.put(0, (byte) told.type());
    out.put(1, (byte) told.code());
    out.putShort(2, (short) 0);
    out.putInt(4, told.mtuBytes());
    out.put(HEADER_BYTES, about.bytes, about.start, quoted);
    int bytes = HEADER_BYTES + quoted;
    if (about.family == IpFamily.IPV4) { // The kernel fills in ICMPv6's.
      out.putShort(2, InternetChecksum.of(InternetChecksum.sum(out, 0, bytes)));
    }
    return bytes;
  }

  /** Whether errors may be sent about a packet (RFC 1122 section 3.2.2, RFC 4443 section 2.4). */
  static boolean mayTell(InnerPacket about) {
    boolean anonymous = about.sourceHigh == 0 && about.sourceLow == 0;
    if (anonymous || about.laterFragment || about.isMulticast()) {
      return false;
    }
    if (about.transportBytes() < 1) {
      return true;
    }
    int type = about.bytes.get(about.transport()) & 0xff;
    return switch (about.protocol) {
      case InnerPacket.ICMP -> !(type == 3 || type == 4 || type == 5 || type == 11 || type == 12);
      case InnerPacket.ICMPV6 -> type >= 128;
      default -> true;
    };
  }

  private boolean takeAllowance() {
    long nowNs = clockNs.getAsLong();
    allowance = Math.min(BURST, allowance + (nowNs - refilledNs) * 1e-9 * PER_SECOND);
    refilledNs = nowNs;
    if (allowance < 1) {
      return false;
    }
    allowance--;
    return true;
  }

  private static InetAddress source(InnerPacket about) {
    byte[] address = new byte[about.family.addressBytes()];
    about.bytes.get(about.start + (about.family == IpFamily.IPV4 ? 12 : 8), address);
    return IpFamily.address(address);
  }

  @Override
  public void close() {
    sockets.values().forEach(DatagramSocket::close);
  }
}
