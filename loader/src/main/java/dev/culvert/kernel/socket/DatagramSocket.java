// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.socket;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;

/**
 * A UDP or raw ICMP socket with what java.net lacks: many datagrams a call, segmentation offload,
 * traffic class. Opened in the calling thread's network namespace; usable from any thread.
 *
 * <p>The calls in the packet path return negated errnos instead of throwing.
 */
public final class DatagramSocket implements AutoCloseable {
  private static final int SO_SNDBUFFORCE = 32;
  private static final int SO_SNDTIMEO = 21;
  private static final int SOL_UDP = 17;
  private static final int UDP_GRO = 104;
  private static final int UDP_NO_CHECK6_RX = 102;
  private static final int SOL_RAW = 255;
  private static final int ICMP_FILTER = 1;
  private static final int ICMP6_FILTER = 1;
  private static final int ICMP6_FILTER_BYTES = 32;

  /** Levels and names of ip(7) and ipv6(7); also of control messages. */
  public static final int SOL_IP = 0;

  /** Level of options and control messages of IPv6 (ipv6(7)). */
  public static final int SOL_IPV6 = 41;

  /** The traffic class of IPv4 (ip(7)). */
  public static final int IP_TOS = 1;

  /** The traffic class of IPv6 (ipv6(7)). */
  public static final int IPV6_TCLASS = 67;

  private static final int IP_MTU_DISCOVER = 10;
  private static final int IP_RECVTOS = 13;
  private static final int IPV6_MTU_DISCOVER = 23;
  private static final int IPV6_RECVTCLASS = 66;

  /** IP_PMTUDISC_DO, the same number for IPv6: packets that do not fit are refused (EMSGSIZE). */
  private static final int PMTUDISC_DO = 2;

  private final NativeSocket socket;
  private final boolean ipv4;

  private DatagramSocket(NativeSocket socket, boolean ipv4) {
    this.socket = socket;
    this.ipv4 = ipv4;
  }

  /**
   * A UDP socket on a local address and port, which never lets its packets be fragmented.
   *
   * @throws KernelException EADDRINUSE when another socket has the port
   */
  public static DatagramSocket udp(Libc libc, InetAddress local, int port) {
    boolean ipv4 = isIpv4(local);
    String name = "UDP " + IpAddresses.text(local) + " port " + port;
    NativeSocket socket =
        NativeSocket.open(libc, local, new NativeSocket.Kind(NativeSocket.DATAGRAM, 0, name));
    try {
      socket.setOption(
          ipv4 ? SOL_IP : SOL_IPV6, ipv4 ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, PMTUDISC_DO);
      socket.bind(local, port);
      return new DatagramSocket(socket, ipv4);
    } catch (RuntimeException e) {
      socket.close();
      throw e;
    }
  }

  /**
   * A raw socket that sends ICMP (or ICMPv6, whose checksum the kernel fills in) from a local
   * address, and receives nothing.
   */
  public static DatagramSocket icmp(Libc libc, InetAddress local) {
    boolean ipv4 = isIpv4(local);
    int protocol = ipv4 ? NativeSocket.IPPROTO_ICMP : NativeSocket.IPPROTO_ICMPV6;
    String name = "raw ICMP from " + IpAddresses.text(local);
    NativeSocket socket =
        NativeSocket.open(libc, local, new NativeSocket.Kind(NativeSocket.RAW, protocol, name));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment none = arena.allocate(ICMP6_FILTER_BYTES, 8);
      none.fill((byte) 0xff);
      socket.setOption(
          ipv4 ? SOL_RAW : NativeSocket.IPPROTO_ICMPV6,
          ipv4 ? ICMP_FILTER : ICMP6_FILTER,
          none.asSlice(0, ipv4 ? JAVA_INT.byteSize() : ICMP6_FILTER_BYTES));
      socket.bind(local, 0);
      return new DatagramSocket(socket, ipv4);
    } catch (RuntimeException e) {
      socket.close();
      throw e;
    }
  }

  private static boolean isIpv4(InetAddress address) {
    return address.getAddress().length == 4;
  }

  /** Lets the kernel hand over consecutive datagrams of a flow as one (UDP_GRO, kernel 5.0). */
  public void receiveMerged() {
    socket.setOption(SOL_UDP, UDP_GRO, 1);
  }

  /** Takes IPv6 datagrams without a checksum too, as tunnels may send them (RFC 6935). */
  public void receiveWithoutChecksum() {
    if (!ipv4) { // IPv4 has always allowed it.
      socket.setOption(SOL_UDP, UDP_NO_CHECK6_RX, 1);
    }
  }

  /** Asks for each datagram's traffic class as a control message. */
  public void receiveTrafficClass() {
    socket.setOption(ipv4 ? SOL_IP : SOL_IPV6, ipv4 ? IP_RECVTOS : IPV6_RECVTCLASS, 1);
  }

  /** The room for datagrams that wait, beyond the machine's limit for users (socket(7)). */
  public void setBuffers(int receiveBytes, int sendBytes) {
    socket.setOption(NativeSocket.SOL_SOCKET, NativeSocket.SO_RCVBUFFORCE, receiveBytes);
    socket.setOption(NativeSocket.SOL_SOCKET, SO_SNDBUFFORCE, sendBytes);
  }

  /** Gives up sending after a while (EAGAIN) where a device takes no packets. */
  public void setSendTimeout(int seconds) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment timeval = arena.allocate(16, 8);
      timeval.set(JAVA_INT, 0, seconds);
      socket.setOption(NativeSocket.SOL_SOCKET, SO_SNDTIMEO, timeval);
    }
  }

  /** Whether it speaks IPv4. */
  public boolean isIpv4() {
    return ipv4;
  }

  /** For {@link Readiness}. */
  public int fd() {
    return socket.fd();
  }

  /**
   * sendmmsg(2): how many messages went out, or the negated errno of the first.
   *
   * @param messages address of an array of struct mmsghdr
   */
  public int send(long messages, int count) {
    return socket.sendMany(messages, count);
  }

  /**
   * recvmmsg(2) without waiting: how many messages came, or a negated errno (EAGAIN: none).
   *
   * @param messages address of an array of struct mmsghdr
   */
  public int receive(long messages, int count) {
    return socket.receiveMany(messages, count, NativeSocket.MSG_DONTWAIT);
  }

  /** Sends one datagram without waiting; 0 or more, or a negated errno. */
  public long sendTo(SocketAddress to, long data, int bytes) {
    return socket.sendTo(to, data, bytes);
  }

  @Override
  public void close() {
    socket.close();
  }
}
