// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.lab.measure;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.culvert.agent.lab.LabException;
import dev.culvert.kernel.Errno;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteOrder;
import java.time.Duration;

/**
 * A UDP socket that sends and takes many datagrams with one system call (sendmmsg(2), recvmmsg(2)),
 * so that the datapath is the bottleneck and not the sender; what is in the datagrams is nobody's
 * business. It belongs to the namespace of the thread that opens it. One thread at a time.
 */
final class UdpSocket implements AutoCloseable {
  /** What a call may answer in place of a count: nothing is there, or there is no room. */
  static final int NOTHING = 0;

  private static final int BATCH = 64;
  private static final int AF_INET = 2;
  private static final int AF_INET6 = 10;
  private static final int SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
  private static final int SOL_SOCKET = 1;
  private static final int SO_RCVTIMEO = 20;
  private static final int SO_RCVBUFFORCE = 33;
  private static final int MSG_DONTWAIT = 0x40;
  private static final int MSG_WAITFORONE = 0x10000;
  private static final int BUFFER_BYTES = 8 << 20;
  private static final int MAX_DATAGRAM_BYTES = 65_536;

  // struct mmsghdr on 64-bit machines: a msghdr of 56 bytes, its length, padding.
  private static final int HEADER_BYTES = 64;
  private static final int IOVEC_POINTER = 16;
  private static final int IOVEC_COUNT = 24;
  private static final int IOVEC_BYTES = 16;

  private static final ValueLayout.OfShort PORT = JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN);
  private static final Duration PATIENCE = Duration.ofMillis(50);

  private final Libc libc = Libc.system();
  private final Arena arena = Arena.ofShared();
  private final int fd;
  private final int waitFlags;
  private final MemorySegment headers = arena.allocate((long) BATCH * HEADER_BYTES, 8);
  private final MemorySegment vector = arena.allocate(IOVEC_BYTES, 8);
  private final MemorySegment buffer = arena.allocate(MAX_DATAGRAM_BYTES, 8);

  /**
   * @param address its own
   * @param spin whether receiving looks again and again instead of sleeping: for that the thread
   *     must have a processor for itself
   */
  UdpSocket(String address, int port, boolean spin) {
    waitFlags = spin ? MSG_DONTWAIT : 0;
    InetAddress own = literal(address);
    int family = own.getAddress().length == 4 ? AF_INET : AF_INET6;
    fd = (int) ok(libc.call(Syscall.SOCKET, family, SOCK_DGRAM_CLOEXEC, 0, 0, 0, 0), "socket");
    try {
      MemorySegment patience = arena.allocate(16, 8);
      patience.set(JAVA_LONG, 8, PATIENCE.toNanos() / 1000);
      set(SO_RCVTIMEO, patience);
      set(SO_RCVBUFFORCE, arena.allocateFrom(JAVA_INT, BUFFER_BYTES));
      MemorySegment name = name(own, port);
      check(libc.call(Syscall.BIND, fd, name.address(), name.byteSize(), 0, 0, 0), "bind");
    } catch (LabException e) {
      close();
      throw e;
    }
  }

  private void set(int option, MemorySegment value) {
    check(
        libc.call(Syscall.SETSOCKOPT, fd, SOL_SOCKET, option, value.address(), value.byteSize(), 0),
        "setsockopt");
  }

  /** Sends to this address from now on, and takes from it alone. */
  UdpSocket connect(String address, int port) {
    MemorySegment name = name(literal(address), port);
    check(libc.call(Syscall.CONNECT, fd, name.address(), name.byteSize(), 0, 0, 0), "connect");
    return this;
  }

  private static InetAddress literal(String address) {
    try {
      return InetAddress.getByName(address);
    } catch (UnknownHostException e) {
      throw new LabException("\"" + address + "\" is no address.", e);
    }
  }

  /** A sockaddr_in or sockaddr_in6. */
  private MemorySegment name(InetAddress address, int port) {
    byte[] bytes = address.getAddress();
    boolean ipv4 = bytes.length == 4;
    MemorySegment name = arena.allocate(ipv4 ? 16 : 28, 8);
    name.set(JAVA_SHORT, 0, (short) (ipv4 ? AF_INET : AF_INET6));
    name.set(PORT, 2, (short) port);
    MemorySegment.copy(bytes, 0, name, ValueLayout.JAVA_BYTE, ipv4 ? 4 : 8, bytes.length);
    return name;
  }

  /** Every datagram of a batch is the same buffer. */
  private void prepare(int bytes) {
    vector.set(JAVA_LONG, 0, buffer.address());
    vector.set(JAVA_LONG, 8, bytes);
    headers.fill((byte) 0);
    for (int i = 0; i < BATCH; i++) {
      headers.set(JAVA_LONG, (long) i * HEADER_BYTES + IOVEC_POINTER, vector.address());
      headers.set(JAVA_LONG, (long) i * HEADER_BYTES + IOVEC_COUNT, 1);
    }
  }

  /** Sends datagrams until the deadline (System.nanoTime); how many the kernel has taken. */
  long sendUntil(long deadlineNs, int bytes) {
    prepare(bytes);
    long sent = 0;
    while (System.nanoTime() < deadlineNs) {
      sent += count(libc.call(Syscall.SENDMMSG, fd, headers.address(), BATCH, 0, 0, 0), "sendmmsg");
    }
    return sent;
  }

  /** Takes up to a batch of datagrams, and waits up to 50 ms for the first. */
  int receiveMany() {
    prepare(MAX_DATAGRAM_BYTES);
    return count(
        libc.call(Syscall.RECVMMSG, fd, headers.address(), BATCH, MSG_WAITFORONE, 0, 0),
        "recvmmsg");
  }

  /** Sends one datagram; {@link #NOTHING} when there is no room for it. */
  int send(int bytes) {
    return count(libc.call(Syscall.SENDTO, fd, buffer.address(), bytes, 0, 0, 0), "send");
  }

  /** Takes one datagram: its size, or {@link #NOTHING} when none is there, or came in time. */
  int receive() {
    return count(
        libc.call(Syscall.RECVFROM, fd, buffer.address(), MAX_DATAGRAM_BYTES, waitFlags, 0, 0),
        "recv");
  }

  private static int count(long result, String call) {
    if (result >= 0) {
      return (int) result;
    }
    return switch (Errno.of((int) -result)) {
      // ENOBUFS, ENOMEM: a queue on the way is full. EINTR: JVMs send their threads signals.
      // ECONNREFUSED: an earlier datagram met the other end before it opened, or after it closed.
      case EAGAIN, ENOBUFS, ENOMEM, EINTR, ECONNREFUSED -> NOTHING;
      default -> (int) ok(result, call);
    };
  }

  private static void check(long result, String call) {
    var _ = ok(result, call);
  }

  private static long ok(long result, String call) {
    if (result < 0) {
      Errno errno = Errno.of((int) -result);
      throw new LabException(
          "%s on a UDP socket failed: %s (%d).".formatted(call, errno.meaning(), -result));
    }
    return result;
  }

  @Override
  public void close() {
    var _ = libc.call(Syscall.CLOSE, fd, 0, 0, 0, 0, 0);
    arena.close();
  }
}
