// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.object.ByteView;
import dev.culvert.kernel.system.FileDescriptor;
import dev.culvert.kernel.system.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A netlink socket for traffic control, bound to the namespace it was opened in (sources:
 * netlink(7), linux/netlink.h). Calls from several threads take turns.
 */
final class TcSocket implements AutoCloseable {
  static final int FLAG_REQUEST = 1;
  static final int FLAG_ACK = 4;
  static final int FLAG_DUMP = 0x300;

  private static final int AF_NETLINK = 16;
  private static final int SOCK_RAW_CLOEXEC = 3 | 0x80000;
  private static final int SOL_NETLINK = 270;
  private static final int NETLINK_EXT_ACK = 11;
  private static final int HEADER_BYTES = 16;
  private static final int BUFFER_BYTES = 1 << 16;
  private static final int TYPE_ERROR = 2;
  private static final int TYPE_DONE = 3;
  private static final int ERROR_CAPPED = 0x100;
  private static final int ERROR_HAS_ATTRIBUTES = 0x200;
  private static final int ERROR_MESSAGE = 1;

  /** How a request ended: 0 or the negated errno, and the kernel's own words, if any. */
  record Answer(int result, String words, List<ByteView> messages) {}

  private final Libc libc;
  private final FileDescriptor fd;
  private int sequence;

  private TcSocket(Libc libc, FileDescriptor fd) {
    this.libc = libc;
    this.fd = fd;
  }

  static TcSocket open(Libc libc) {
    long result = libc.call(Syscall.SOCKET, AF_NETLINK, SOCK_RAW_CLOEXEC, 0, 0, 0, 0);
    if (result < 0) {
      throw new KernelException("socket", "rtnetlink", (int) -result, "");
    }
    TcSocket socket = new TcSocket(libc, new FileDescriptor(libc, (int) result));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment on = arena.allocateFrom(JAVA_INT, 1);
      // Before kernel 4.12 there are no extended acknowledgements, and we do without.
      long _ =
          libc.call(
              Syscall.SETSOCKOPT,
              result,
              SOL_NETLINK,
              NETLINK_EXT_ACK,
              on.address(),
              on.byteSize(),
              0);
    }
    return socket;
  }

  /**
   * Sends a request and reads its answer to the end.
   *
   * @param body all that follows the netlink header
   * @return for a dump also the bodies of the messages
   */
  synchronized Answer request(int type, int flags, byte[] body) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment message = arena.allocate(HEADER_BYTES + (long) body.length, 8);
      message.set(JAVA_INT, 0, (int) message.byteSize());
      message.set(JAVA_SHORT, 4, (short) type);
      message.set(JAVA_SHORT, 6, (short) (flags | FLAG_REQUEST));
      message.set(JAVA_INT, 8, ++sequence);
      MemorySegment.copy(body, 0, message, JAVA_BYTE, HEADER_BYTES, body.length);
      transfer(Syscall.SENDTO, "sendto", message);
      return readAnswer(arena.allocate(BUFFER_BYTES, 8));
    }
  }

  private long transfer(Syscall call, String name, MemorySegment buffer) {
    while (true) {
      long result = libc.call(call, fd.number(), buffer.address(), buffer.byteSize(), 0, 0, 0);
      if (result >= 0) {
        return result;
      }
      if (result != -Errno.EINTR.number()) {
        throw new KernelException(name, "rtnetlink", (int) -result, "");
      }
    }
  }

  private Answer readAnswer(MemorySegment buffer) {
    List<ByteView> messages = new ArrayList<>();
    while (true) {
      int length = (int) transfer(Syscall.RECVFROM, "recvfrom", buffer);
      byte[] bytes = buffer.asSlice(0, length).toArray(JAVA_BYTE);
      ByteView datagram = ByteView.of(bytes, "the kernel's answer");
      for (int at = 0; at < length; ) {
        int size = datagram.s32(at);
        ByteView message = datagram.slice(at, size, datagram.name());
        at += align(Math.max(size, HEADER_BYTES));
        if (message.s32(8) != sequence) {
          continue;
        }
        switch (message.u16(4)) {
          case TYPE_ERROR -> {
            return new Answer(message.s32(HEADER_BYTES), words(message), messages);
          }
          case TYPE_DONE -> {
            return new Answer(Math.min(0, message.s32(HEADER_BYTES)), "", messages);
          }
          default ->
              messages.add(message.slice(HEADER_BYTES, size - HEADER_BYTES, "a netlink message"));
        }
      }
    }
  }

  private static String words(ByteView error) {
    int flags = error.u16(6);
    if ((flags & ERROR_HAS_ATTRIBUTES) == 0) {
      return "";
    }
    // The refused message comes back, whole or its header only, between the error and the
    // attributes.
    int echoed = (flags & ERROR_CAPPED) != 0 ? HEADER_BYTES : align(error.s32(HEADER_BYTES + 4));
    int start = HEADER_BYTES + 4 + echoed;
    return Attributes.find(error.slice(start, error.length() - start, error.name()), ERROR_MESSAGE)
        .map(v -> v.cString(0))
        .orElse("");
  }

  static int align(int length) {
    return (length + 3) & ~3;
  }

  @Override
  public void close() {
    fd.close();
  }

  /** Attributes: length and type of 2 bytes each, then the value, padded to 4 bytes. */
  static final class Attributes {
    private static final int ATTRIBUTE_HEADER_BYTES = 4;
    private static final int TYPE_MASK = 0x3fff;

    private final ByteBuffer buffer = ByteBuffer.allocate(1024).order(ByteOrder.nativeOrder());

    static Optional<ByteView> find(ByteView attributes, int type) {
      for (int at = 0; at + ATTRIBUTE_HEADER_BYTES <= attributes.length(); ) {
        int length = attributes.u16(at);
        if ((attributes.u16(at + 2L) & TYPE_MASK) == type) {
          return Optional.of(
              attributes.slice(
                  at + (long) ATTRIBUTE_HEADER_BYTES,
                  length - (long) ATTRIBUTE_HEADER_BYTES,
                  attributes.name()));
        }
        at += align(Math.max(length, ATTRIBUTE_HEADER_BYTES));
      }
      return Optional.empty();
    }

    Attributes put(int type, byte[] value) {
      buffer.putShort((short) (ATTRIBUTE_HEADER_BYTES + value.length)).putShort((short) type);
      buffer.put(value).position(align(buffer.position()));
      return this;
    }

    Attributes put(int type, int value) {
      return put(type, ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(value).array());
    }

    Attributes put(int type, String value) {
      return put(type, ObjectReader.zeroTerminated(value));
    }

    byte[] toBytes() {
      byte[] bytes = new byte[buffer.position()];
      buffer.get(0, bytes);
      return bytes;
    }
  }
}
