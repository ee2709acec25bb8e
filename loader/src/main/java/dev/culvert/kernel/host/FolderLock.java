// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.host;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.system.FileDescriptor;
import dev.culvert.kernel.system.Syscall;
import java.lang.foreign.Arena;
import java.nio.file.Path;

/**
 * A lock on a folder between processes, flock(2): also on a file system that holds no files, such
 * as bpffs. The kernel takes it back from a process that dies. For short work: whoever comes second
 * waits.
 */
public final class FolderLock implements AutoCloseable {
  private static final int AT_FDCWD = -100;
  private static final int O_DIRECTORY_AMD64 = 0x10000;
  private static final int O_DIRECTORY_AARCH64 = 0x4000;
  private static final int O_CLOEXEC = 0x80000;
  private static final int LOCK_EX = 2;

  private final FileDescriptor folder;

  private FolderLock(FileDescriptor folder) {
    this.folder = folder;
  }

  /**
   * Waits until nobody else holds it, however long that takes.
   *
   * @param libc the way to the kernel
   * @param path the folder, which must be there
   * @return the lock, held until it is closed
   * @throws KernelException when the folder is not there or may not be read
   */
  public static FolderLock take(Libc libc, Path path) {
    String target = "folder " + path;
    try (Arena arena = Arena.ofConfined()) {
      long name = arena.allocateFrom(path.toString()).address();
      int flags = O_CLOEXEC | directoryFlag();
      long fd =
          KernelException.check(
              libc.call(Syscall.OPENAT, AT_FDCWD, name, flags, 0, 0, 0),
              "openat",
              target,
              "run as root");
      FileDescriptor folder = new FileDescriptor(libc, (int) fd);
      return folder.handTo(open -> {
        long result;
        do {
          result = libc.call(Syscall.FLOCK, open.number(), LOCK_EX, 0, 0, 0, 0);
        } while (result == -Errno.EINTR.number());
        long _ = KernelException.check(result, "flock", target, "");
        return new FolderLock(open);
      });
    }
  }

  private static int directoryFlag() {
    return switch (Syscall.Architecture.current()) {
      case X86_64 -> O_DIRECTORY_AMD64;
      case AARCH64 -> O_DIRECTORY_AARCH64;
    };
  }

  @Override
  public void close() {
    folder.close();
  }
}
