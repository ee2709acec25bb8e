// SPDX-License-Identifier: Apache-2.0
package dev.culvert.measure;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.socket.SocketAddress;
import dev.culvert.kernel.system.Syscall;
import dev.culvert.lab.LabException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.net.InetAddress;
import java.net.UnknownHostException;

/**
 * A socket by its system calls: Java's own has neither sendmmsg(2) nor ICMP, and costs more. It
 * belongs to the namespace of the thread that opens it. One thread at a time.
 */
final class NativeSocket implements AutoCloseable {
  /** What a call may answer in place of a count: nothing is there, or there is no room. */
  static final int NOTHING = 0;

  static final int DATAGRAM = 2;
  static final int RAW = 3;
  static final int MSG_DONTWAIT = 0x40;

  private static final int CLOEXEC = 0x80000;
  private static final int SOL_SOCKET = 1;

  private final Libc libc = Libc.system();
  private final Arena arena = Arena.ofShared();
  private final int fd;

  /**
   * @param address whose family it has
   * @param type {@link #DATAGRAM} or {@link #RAW}
   * @param protocol 0 for the type's own
   */
  NativeSocket(InetAddress address, int type, int protocol) {
    fd =
        (int)
            ok(
                libc.call(
                    Syscall.SOCKET,
                    SocketAddress.family(address),
                    type | CLOEXEC,
                    protocol,
                    0,
                    0,
                    0),
                "socket");
  }

  /** Memory that lives as long as the socket. */
  Arena arena() {
    return arena;
  }

  void set(int option, MemorySegment value) {
    check(
        libc.call(Syscall.SETSOCKOPT, fd, SOL_SOCKET, option, value.address(), value.byteSize(), 0),
        "setsockopt");
  }

  void bind(InetAddress address, int port) {
    name(Syscall.BIND, "bind", new SocketAddress(address, port));
  }

  /** Sends to this address from now on, and takes from it alone. */
  void connect(InetAddress address, int port) {
    name(Syscall.CONNECT, "connect", new SocketAddress(address, port));
  }

  private void name(Syscall syscall, String call, SocketAddress address) {
    try {
      check(libc.call(syscall, fd, address.pointer(), address.sizeBytes(), 0, 0, 0), call);
    } finally {
      Reference.reachabilityFence(address);
    }
  }

  static InetAddress literal(String address) {
    try {
      return InetAddress.getByName(address);
    } catch (UnknownHostException e) {
      throw new LabException("\"" + address + "\" is no address.", e);
    }
  }

  /** Sends one message; {@link #NOTHING} when there is no room for it. */
  int send(MemorySegment message) {
    return count(
        libc.call(Syscall.SENDTO, fd, message.address(), message.byteSize(), 0, 0, 0), "send");
  }

  /** Takes one message: its size, or {@link #NOTHING} when none is there, or came in time. */
  int receive(MemorySegment buffer, int flags) {
    return count(
        libc.call(Syscall.RECVFROM, fd, buffer.address(), buffer.byteSize(), flags, 0, 0), "recv");
  }

  /** Sends so many of the messages that an array of mmsghdr describes; how many went. */
  int sendMany(MemorySegment headers, int count) {
    return count(libc.call(Syscall.SENDMMSG, fd, headers.address(), count, 0, 0, 0), "sendmmsg");
  }

  /** Takes up to so many messages into what an array of mmsghdr describes; how many came. */
  int receiveMany(MemorySegment headers, int count, int flags) {
    return count(
        libc.call(Syscall.RECVMMSG, fd, headers.address(), count, flags, 0, 0), "recvmmsg");
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
          "%s on a socket failed: %s (%d).".formatted(call, errno.meaning(), -result));
    }
    return result;
  }

  @Override
  public void close() {
    var _ = libc.call(Syscall.CLOSE, fd, 0, 0, 0, 0, 0);
    arena.close();
  }
}
