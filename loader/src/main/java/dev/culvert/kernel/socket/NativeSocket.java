// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.socket;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.system.FileDescriptor;
import dev.culvert.kernel.system.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.net.InetAddress;

/**
 * A datagram or raw socket of either IP family by its system calls: java.net has neither
 * sendmmsg(2) nor ICMP. Opened in the calling thread's network namespace; usable from any thread.
 *
 * <p>Opening and setting throw {@link KernelException}; the calls in a packet's path return negated
 * errnos instead. Addresses of memory are in bytes, and must stay valid for the call.
 */
public final class NativeSocket implements AutoCloseable {
  /** SOCK_DGRAM (socket(2)). */
  public static final int DATAGRAM = 2;

  /** SOCK_RAW (socket(2)); needs CAP_NET_RAW. */
  public static final int RAW = 3;

  /** The protocol of raw sockets for ICMP (RFC 792). */
  public static final int IPPROTO_ICMP = 1;

  /** The protocol of raw sockets for ICMPv6 (RFC 4443); the kernel fills in the checksum. */
  public static final int IPPROTO_ICMPV6 = 58;

  /** Receives what is there, or nothing (recv(2)). */
  public static final int MSG_DONTWAIT = 0x40;

  /** Waits for the first message alone (recvmmsg(2)). */
  public static final int MSG_WAITFORONE = 0x10000;

  /** The level of options of any socket (socket(7)). */
  public static final int SOL_SOCKET = 1;

  /** Bytes of room for what waits to be read, beyond the machine's limit (socket(7)). */
  public static final int SO_RCVBUFFORCE = 33;

  private static final int CLOEXEC = 0x80000;

  private final Libc libc;
  private final FileDescriptor descriptor;
  private final String target;

  private NativeSocket(Libc libc, FileDescriptor descriptor, String target) {
    this.libc = libc;
    this.descriptor = descriptor;
    this.target = target;
  }

  /** What to open, and what errors call it. */
  public record Kind(int type, int protocol, String name) {}

  /**
   * Opens one.
   *
   * @param address whose family it has
   */
  public static NativeSocket open(Libc libc, InetAddress address, Kind kind) {
    long fd =
        KernelException.check(
            libc.call(
                Syscall.SOCKET,
                SocketAddress.family(address),
                kind.type() | CLOEXEC,
                kind.protocol(),
                0,
                0,
                0),
            "socket",
            kind.name(),
            "");
    return new NativeSocket(libc, new FileDescriptor(libc, (int) fd), kind.name());
  }

  /** Sets an option that is one number (setsockopt(2)). */
  public void setOption(int level, int name, int value) {
    try (Arena arena = Arena.ofConfined()) {
      setOption(level, name, arena.allocateFrom(JAVA_INT, value));
    }
  }

  /** Sets an option that is a struct (setsockopt(2)). */
  public void setOption(int level, int name, MemorySegment value) {
    long _ =
        KernelException.check(
            libc.call(
                Syscall.SETSOCKOPT,
                descriptor.number(),
                level,
                name,
                value.address(),
                value.byteSize(),
                0),
            "setsockopt " + level + "/" + name,
            target,
            "");
  }

  /**
   * Takes a local address and port; 0 is any, and what raw sockets say.
   *
   * @throws KernelException EADDRINUSE when another socket has the port
   */
  public void bind(InetAddress local, int port) {
    long result = name(Syscall.BIND, new SocketAddress(local, port));
    long _ =
        KernelException.check(
            result,
            "bind",
            target,
            result == -Errno.EADDRINUSE.number()
                ? "another program, or a VXLAN device, has the port (see \"ss -ulnp\")"
                : "");
  }

  /** Sends to this address from now on, and takes from it alone. */
  public void connect(InetAddress remote, int port) {
    long _ =
        KernelException.check(
            name(Syscall.CONNECT, new SocketAddress(remote, port)), "connect", target, "");
  }

  private long name(Syscall syscall, SocketAddress address) {
    try {
      return libc.call(
          syscall, descriptor.number(), address.pointer(), address.sizeBytes(), 0, 0, 0);
    } finally {
      Reference.reachabilityFence(address);
    }
  }

  /** For {@link Readiness}. */
  public int fd() {
    return descriptor.number();
  }

  /**
   * sendmmsg(2): how many messages went out, or the negated errno of the first.
   *
   * @param messages address of an array of struct mmsghdr
   */
  public int sendMany(long messages, int count) {
    return (int) libc.call(Syscall.SENDMMSG, descriptor.number(), messages, count, 0, 0, 0);
  }

  /**
   * recvmmsg(2): how many messages came, or a negated errno (EAGAIN: none).
   *
   * @param messages address of an array of struct mmsghdr
   */
  public int receiveMany(long messages, int count, int flags) {
    return (int) libc.call(Syscall.RECVMMSG, descriptor.number(), messages, count, flags, 0, 0);
  }

  /** Sends one message to whom it is connected; bytes, or a negated errno. */
  public long send(MemorySegment message) {
    return libc.call(
        Syscall.SENDTO, descriptor.number(), message.address(), message.byteSize(), 0, 0, 0);
  }

  /** Sends one message without waiting; bytes, or a negated errno. */
  public long sendTo(SocketAddress to, long data, int bytes) {
    return libc.call(
        Syscall.SENDTO,
        descriptor.number(),
        data,
        bytes,
        MSG_DONTWAIT,
        to.pointer(),
        to.sizeBytes());
  }

  /** Takes one message; its bytes, or a negated errno. */
  public long receive(MemorySegment buffer, int flags) {
    return libc.call(
        Syscall.RECVFROM, descriptor.number(), buffer.address(), buffer.byteSize(), flags, 0, 0);
  }

  @Override
  public void close() {
    descriptor.close();
  }
}
