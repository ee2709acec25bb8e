// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.system.FileDescriptor;
import dev.culvert.kernel.system.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Asks whether an interface is there (source: netdevice(7)). */
final class InterfaceIndex {
  private static final int AF_INET = 2;
  private static final int SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
  private static final int SIOCGIFNAME = 0x8910;
  private static final int REQUEST_BYTES = 40; // struct ifreq
  private static final int INDEX_OFFSET = 16;

  private InterfaceIndex() {}

  /** Whether this thread's namespace has the interface; true when the kernel does not say. */
  static boolean exists(Libc libc, int index) {
    long socket = libc.call(Syscall.SOCKET, AF_INET, SOCK_DGRAM_CLOEXEC, 0, 0, 0, 0);
    if (socket < 0) {
      return true;
    }
    try (FileDescriptor fd = new FileDescriptor(libc, (int) socket);
        Arena arena = Arena.ofConfined()) {
      MemorySegment request = arena.allocate(REQUEST_BYTES, 8);
      request.set(JAVA_INT, INDEX_OFFSET, index);
      long result = libc.call(Syscall.IOCTL, fd.number(), SIOCGIFNAME, request.address(), 0, 0, 0);
      return result != -Errno.ENODEV.number();
    }
  }
}
