// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.system.Syscall;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** A netlink socket that answers from a script; an empty script is a kernel that says nothing. */
final class FakeNetlink implements Libc {
  /** One recvfrom(2): a datagram and its sender's port, or the errno to fail with. */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  record Step(byte[] datagram, int errno, int port) {}

  final Deque<Step> script = new ArrayDeque<>();
  final List<byte[]> sent = new ArrayList<>();
  final List<Long> closed = new ArrayList<>();
  int sendErrno;

  @Override
  public long call(Syscall call, long a, long b, long c, long d, long e, long f) {
    return switch (call) {
      case SOCKET, OPENAT -> 1000;
      case SENDTO -> send(segment(b, c), c);
      case RECVFROM -> receive(segment(b, c), segment(e, 12));
      case CLOSE -> {
        closed.add(a);
        yield 0;
      }
      default -> 0;
    };
  }

  private static MemorySegment segment(long address, long bytes) {
    return MemorySegment.ofAddress(address).reinterpret(bytes);
  }

  private long send(MemorySegment message, long bytes) {
    if (sendErrno != 0) {
      return -sendErrno;
    }
    sent.add(message.toArray(JAVA_BYTE));
    return bytes;
  }

  private long receive(MemorySegment into, MemorySegment sender) {
    Step step = script.poll();
    if (step == null) {
      return -Errno.EAGAIN.number();
    }
    if (step.errno() != 0) {
      return -step.errno();
    }
    MemorySegment.copy(step.datagram(), 0, into, JAVA_BYTE, 0, step.datagram().length);
    sender.set(JAVA_INT, 4, step.port());
    return step.datagram().length;
  }

  /** The next datagram from the kernel. */
  void answer(byte[]... messages) {
    int length = 0;
    for (byte[] message : messages) {
      length += message.length;
    }
    ByteBuffer datagram = ByteBuffer.allocate(length);
    for (byte[] message : messages) {
      datagram.put(message);
    }
    script.add(new Step(datagram.array(), 0, 0));
  }

  /** The next recvfrom(2) fails. */
  void fail(Errno errno) {
    script.add(new Step(new byte[0], errno.number(), 0));
  }

  /** A message by hand: header as in linux/netlink.h. */
  static byte[] message(int type, int flags, int sequence, byte[] payload) {
    return ByteBuffer.allocate(16 + payload.length)
        .order(ByteOrder.nativeOrder())
        .putInt(16 + payload.length)
        .putShort((short) type)
        .putShort((short) flags)
        .putInt(sequence)
        .putInt(0)
        .put(payload)
        .array();
  }

  /** NLMSG_ERROR (2), capped (0x100): the error number and 16 bytes of our request. */
  static byte[] acknowledgement(int sequence, int errno) {
    return message(2, 0x100, sequence, ints(20, 0, -errno));
  }

  /** NLMSG_DONE (3) of a multi-part answer (2). */
  static byte[] done(int sequence, int flags) {
    return message(3, 2 | flags, sequence, new byte[4]);
  }

  /** RTM_NEWLINK (16) with nothing but an index. */
  static byte[] link(int sequence, int flags, int index) {
    return message(16, 2 | flags, sequence, ints(16, 4, index));
  }

  private static byte[] ints(int length, int offset, int value) {
    return ByteBuffer.allocate(length).order(ByteOrder.nativeOrder()).putInt(offset, value).array();
  }
}
