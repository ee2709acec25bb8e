// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.socket;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.system.FileDescriptor;
import dev.culvert.kernel.system.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** Datagrams to a socket of the file system or of the abstract namespace (unix(7)): no java.net. */
public final class UnixDatagram {
  private static final short AF_UNIX = 1;
  private static final int SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
  private static final int MSG_DONTWAIT_NOSIGNAL = 0x40 | 0x4000;

  /** sizeof(sun_path), which holds a closing zero for paths and none for abstract names. */
  private static final int MAX_PATH_BYTES = 108;

  private static final int PATH_OFFSET = 2;

  private UnixDatagram() {}

  /**
   * Sends one, and does not wait for a receiver that is not reading.
   *
   * @param libc the way to the kernel
   * @param address a path, or an abstract name behind an {@code @}; at most 107 bytes
   * @param message the whole of it
   * @throws RefusedException when that can be no address
   * @throws KernelException when nobody is there (ENOENT, ECONNREFUSED), or its queue is full
   *     (EAGAIN)
   */
  public static void send(Libc libc, String address, byte[] message) {
    String target = "socket " + address;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = name(arena, address);
      MemorySegment bytes = arena.allocateFrom(JAVA_BYTE, message);
      long fd =
          KernelException.check(
              libc.call(Syscall.SOCKET, AF_UNIX, SOCK_DGRAM_CLOEXEC, 0, 0, 0, 0),
              "socket",
              target,
              "");
      try (FileDescriptor socket = new FileDescriptor(libc, (int) fd)) {
        long _ =
            KernelException.check(
                libc.call(
                    Syscall.SENDTO,
                    socket.number(),
                    bytes.address(),
                    message.length,
                    MSG_DONTWAIT_NOSIGNAL,
                    name.address(),
                    name.byteSize()),
                "sendto",
                target,
                "is its owner there?");
      }
    }
  }

  /** struct sockaddr_un, as long as its name. */
  private static MemorySegment name(Arena arena, String address) {
    byte[] path = address.getBytes(StandardCharsets.UTF_8);
    boolean isAbstract = address.startsWith("@");
    int length = isAbstract ? path.length : path.length + 1;
    if (!(isAbstract || address.startsWith("/")) || path.length < 2 || length > MAX_PATH_BYTES) {
      throw new RefusedException(
          "\""
              + address
              + "\" is no address of a Unix socket: write a path, or @ and a name, of at most 107"
              + " bytes.");
    }
    if (isAbstract) {
      path[0] = 0;
    }
    MemorySegment name = arena.allocate(PATH_OFFSET + length, 2);
    name.set(JAVA_SHORT, 0, AF_UNIX);
    MemorySegment.copy(path, 0, name, JAVA_BYTE, PATH_OFFSET, path.length);
    return name;
  }
}
