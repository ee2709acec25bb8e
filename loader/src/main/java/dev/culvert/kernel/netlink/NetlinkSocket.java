// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.system.FileDescriptor;
import dev.culvert.kernel.system.Syscall;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One netlink socket: sends a request, gathers the whole answer, turns a refusal into a {@link
 * KernelException}. Callers from several threads take turns.
 */
final class NetlinkSocket implements AutoCloseable {
  private static final int AF_NETLINK = 16;
  private static final int SOCK_RAW_CLOEXEC = 3 | 0x80000;
  private static final int NETLINK_ROUTE = 0;
  private static final int SOL_SOCKET = 1;
  private static final int SO_RCVBUF = 8;
  private static final int SO_RCVTIMEO = 20;
  private static final int SO_RCVBUFFORCE = 33;
  private static final int SOL_NETLINK = 270;
  private static final int NETLINK_CAP_ACK = 10;
  private static final int NETLINK_EXT_ACK = 11;
  private static final int NETLINK_GET_STRICT_CHK = 12;
  private static final int MSG_TRUNC = 0x20;
  private static final int MSG_DONTWAIT = 0x40;
  private static final int SOCKADDR_BYTES = 12;

  /** The kernel fills at most 32 KiB for one part of a dump (net/netlink/af_netlink.c). */
  private static final int RECEIVE_BYTES = 64 * 1024;

  /** Of what is kept for all requests; larger ones are seldom. */
  private static final int SEND_BYTES = 16 * 1024;

  /** rtnetlink answers while sendto(2) runs; an answer this late will not come. */
  private static final long TIMEOUT_SECONDS = 10;

  /** A dump that met changes is read again, with a pause that grows by 1 ms each time. */
  private static final int DUMP_ATTEMPTS = 20;

  private final Libc libc;
  private final FileDescriptor descriptor;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment sendBuffer = arena.allocate(SEND_BYTES, 8);
  private final MemorySegment receiveBuffer = arena.allocate(RECEIVE_BYTES, 8);
  private final MemorySegment sender = arena.allocate(SOCKADDR_BYTES, 4);
  private final MemorySegment senderBytes = arena.allocate(JAVA_INT);
  private final ReentrantLock turn = new ReentrantLock();
  private int sequence;
  private boolean answerPending;
  private boolean closed;

  private NetlinkSocket(Libc libc, FileDescriptor descriptor) {
    this.libc = libc;
    this.descriptor = descriptor;
  }

  /** A socket for requests, in the calling thread's namespace. */
  static NetlinkSocket open(Libc libc) {
    return open(libc, 0, 0);
  }

  /**
   * A socket that also hears what happens, in the calling thread's namespace.
   *
   * @param groups RTMGRP_* bits
   * @param receiveBytes wanted size of the kernel's queue; 0 for the default
   */
  static NetlinkSocket open(Libc libc, int groups, int receiveBytes) {
    return open(libc, NETLINK_ROUTE, groups, receiveBytes);
  }

  /** The same in another protocol, NETLINK_* in linux/netlink.h. */
  static NetlinkSocket open(Libc libc, int protocol, int groups, int receiveBytes) {
    long fd = libc.call(Syscall.SOCKET, AF_NETLINK, SOCK_RAW_CLOEXEC, protocol, 0, 0, 0);
    KernelException.check(
        fd, "socket", "AF_NETLINK", "does this kernel have netlink, and may we use it?");
    NetlinkSocket socket = new NetlinkSocket(libc, new FileDescriptor(libc, (int) fd));
    try {
      socket.configure(groups == 0 ? TIMEOUT_SECONDS : 0, receiveBytes);
      socket.bind(groups);
      return socket;
    } catch (RuntimeException failed) {
      socket.close();
      throw failed;
    }
  }

  private void configure(long timeoutSeconds, int receiveBytes) {
    // Older kernels know none of the three (4.12, 4.12, 4.20); answers are then only less precise.
    long _ = option(SOL_NETLINK, NETLINK_EXT_ACK, 1);
    long _ = option(SOL_NETLINK, NETLINK_CAP_ACK, 1);
    long _ = option(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
    if (receiveBytes > 0 && option(SOL_SOCKET, SO_RCVBUFFORCE, receiveBytes) < 0) {
      // Without CAP_NET_ADMIN: as much as net.core.rmem_max allows.
      long _ = option(SOL_SOCKET, SO_RCVBUF, receiveBytes);
    }
    if (timeoutSeconds > 0) {
      receiveBuffer.set(JAVA_LONG, 0, timeoutSeconds);
      receiveBuffer.set(JAVA_LONG, 8, 0);
      KernelException.check(
          setOption(SOL_SOCKET, SO_RCVTIMEO, receiveBuffer, 16), "setsockopt", target(), "");
    }
  }

  private long option(int level, int name, int value) {
    receiveBuffer.set(JAVA_INT, 0, value);
    return setOption(level, name, receiveBuffer, 4);
  }

  private long setOption(int level, int name, MemorySegment value, int bytes) {
    return libc.call(
        Syscall.SETSOCKOPT, descriptor.number(), level, name, value.address(), bytes, 0);
  }

  private void bind(int groups) {
    // struct sockaddr_nl; the kernel chooses our port number.
    sender.set(JAVA_SHORT, 0, (short) AF_NETLINK);
    sender.set(JAVA_INT, 4, 0);
    sender.set(JAVA_INT, 8, groups);
    KernelException.check(
        libc.call(Syscall.BIND, descriptor.number(), sender.address(), SOCKADDR_BYTES, 0, 0, 0),
        "bind",
        target(),
        "");
    sender.fill((byte) 0);
  }

  private static String target() {
    return "netlink socket";
  }

  /** Makes a change; returns when the kernel acknowledged it. */
  void execute(NetlinkRequest request) {
    List<NetlinkReply> _ = query(request);
  }

  /** Asks for one thing; the answer without its acknowledgement. */
  List<NetlinkReply> query(NetlinkRequest request) {
    turn.lock();
    try {
      return exchange(request).replies();
    } finally {
      turn.unlock();
    }
  }

  /**
   * Reads a whole table, again when it changed meanwhile: never half of an old and half of a new.
   */
  List<NetlinkReply> dump(NetlinkRequest request) {
    turn.lock();
    try {
      for (int attempt = 1; attempt <= DUMP_ATTEMPTS; attempt++) {
        Answer answer = exchange(request);
        if (answer.consistent()) {
          return answer.replies();
        }
        pause(attempt);
      }
      throw new KernelException(
          request.call(),
          request.target(),
          Errno.EAGAIN.number(),
          "it changed during each of " + DUMP_ATTEMPTS + " readings; try again when less happens");
    } finally {
      turn.unlock();
    }
  }

  private static void pause(int attempt) {
    try {
      Thread.sleep(attempt);
    } catch (InterruptedException keptForTheCaller) {
      Thread.currentThread().interrupt();
    }
  }

  /** An answer; not consistent when the table changed during it or a part was lost. */
  private record Answer(List<NetlinkReply> replies, boolean consistent) {}

  private Answer exchange(NetlinkRequest request) {
    if (answerPending) {
      discardRest();
    }
    int expected = ++sequence;
    send(request.message().bytes(expected), request);
    answerPending = true;
    List<NetlinkReply> replies = new ArrayList<>();
    boolean consistent = true;
    while (true) {
      long received = receive(0);
      if (received == -Errno.ENOBUFS.number() && request.isDump()) {
        // A part was dropped; the rest still comes and must be taken off the socket.
        consistent = false;
        continue;
      }
      for (NetlinkReply reply : datagram(received, request)) {
        if (reply.sequence() != expected) {
          continue; // The late answer to a request that was given up.
        }
        consistent &= (reply.flags() & NetlinkMessage.DUMP_INTR) == 0;
        if (reply.last()) {
          answerPending = false;
          if (reply.errno() != 0) {
            throw request.refused(reply.errno(), reply.kernelText());
          }
          return new Answer(replies, consistent);
        }
        replies.add(reply);
      }
    }
  }

  /**
   * Sends requests as one datagram, of which the kernel does all or nothing
   * (linux/netfilter/nfnetlink.h): its first and last say so. It does all of it, or refuses, before
   * sendto(2) returns.
   *
   * @param requests one of them asks for an acknowledgement, behind all that may be refused
   * @throws KernelException with what was refused first; then nothing was done
   */
  void transact(List<NetlinkRequest> requests) {
    turn.lock();
    try {
      if (answerPending) {
        discardRest();
      }
      int first = sequence + 1;
      ByteArrayOutputStream datagram = new ByteArrayOutputStream();
      requests.forEach(request -> datagram.writeBytes(request.message().bytes(++sequence)));
      NetlinkRequest whole = requests.getFirst();
      send(datagram.toByteArray(), whole);
      answerPending = true;
      while (true) {
        for (NetlinkReply reply : datagram(receive(0), whole)) {
          int index = reply.sequence() - first;
          if (reply.type() != NetlinkReply.ERROR || index < 0 || index >= requests.size()) {
            continue; // The late answer to a request that was given up.
          }
          discardRest();
          if (reply.errno() != 0) {
            throw requests.get(index).refused(reply.errno(), reply.kernelText());
          }
          return;
        }
      }
    } finally {
      turn.unlock();
    }
  }

  /** What is left of an answer that could not be read: the kernel starts no dump during another. */
  private void discardRest() {
    long received;
    do {
      received = receive(MSG_DONTWAIT);
    } while (received >= 0 || received == -Errno.ENOBUFS.number());
    answerPending = false;
  }

  private void send(byte[] bytes, NetlinkRequest request) {
    if (bytes.length <= SEND_BYTES) {
      send(bytes, request, sendBuffer);
      return;
    }
    try (Arena large = Arena.ofConfined()) {
      send(bytes, request, large.allocate(bytes.length, 8));
    }
  }

  private void send(byte[] bytes, NetlinkRequest request, MemorySegment buffer) {
    long result;
    int fd = descriptor.number();
    MemorySegment.copy(bytes, 0, buffer, JAVA_BYTE, 0, bytes.length);
    do {
      result = libc.call(Syscall.SENDTO, fd, buffer.address(), bytes.length, 0, 0, 0);
    } while (result == -Errno.EINTR.number());
    if (result < 0) {
      throw request.refused((int) -result, "");
    }
  }

  /** The messages of a datagram; empty for one that the kernel did not send. */
  private List<NetlinkReply> datagram(long received, NetlinkRequest request) {
    if (received == -Errno.EAGAIN.number()) {
      throw request.refused(Errno.ETIMEDOUT.number(), "");
    }
    if (received < 0) {
      throw request.refused((int) -received, "");
    }
    if (received > RECEIVE_BYTES) {
      throw NetlinkReply.malformed("a datagram of " + received + " bytes");
    }
    if (sender.get(JAVA_INT, 4) != 0) {
      return List.of(); // Another process wrote to us; the kernel's port number is 0.
    }
    byte[] bytes = new byte[(int) received];
    MemorySegment.copy(receiveBuffer, JAVA_BYTE, 0, bytes, 0, bytes.length);
    return NetlinkReply.parse(bytes);
  }

  /** Bytes of the next datagram (more than the buffer when it was cut), or the negated errno. */
  private long receive(int flags) {
    while (true) {
      senderBytes.set(JAVA_INT, 0, SOCKADDR_BYTES);
      long result =
          libc.call(
              Syscall.RECVFROM,
              descriptor.number(),
              receiveBuffer.address(),
              RECEIVE_BYTES,
              flags | MSG_TRUNC,
              sender.address(),
              senderBytes.address());
      if (result != -Errno.EINTR.number()) {
        return result;
      }
    }
  }

  /**
   * Waits for any message; its bytes or the negated errno. For the monitor, which takes no turns.
   */
  long await() {
    return receive(0);
  }

  /** Takes a message that is there already; its bytes or the negated errno. */
  long poll() {
    return receive(MSG_DONTWAIT);
  }

  /**
   * Makes {@link #await} on another thread return: the kernel acknowledges a message that asks for
   * nothing, onto this very socket. Needs no privilege, unlike a message from another socket.
   */
  void wake() {
    turn.lock();
    try {
      if (!closed) {
        NetlinkMessage noop = new NetlinkMessage(NetlinkReply.NOOP, NetlinkMessage.ACK);
        send(noop.bytes(0), new NetlinkRequest(noop, "netlink socket"));
      }
    } finally {
      turn.unlock();
    }
  }

  @Override
  public void close() {
    turn.lock();
    try {
      if (!closed) {
        closed = true;
        descriptor.close();
        arena.close();
      }
    } finally {
      turn.unlock();
    }
  }
}
