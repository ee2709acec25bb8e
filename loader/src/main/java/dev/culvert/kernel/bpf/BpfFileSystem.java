// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.host.Mounts;
import dev.culvert.kernel.system.Syscall;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.stream.Stream;

/** The BPF file system, where maps, programs and links are pinned. Usable from any thread. */
public final class BpfFileSystem {
  /** Where distributions mount it. */
  public static final Path DEFAULT = Path.of("/sys/fs/bpf");

  /** BPF_FS_MAGIC of linux/magic.h. */
  private static final long MAGIC = 0xcafe4a11L;

  /** struct statfs is 120 bytes on amd64 and aarch64; f_type is its first member, 8 bytes. */
  private static final int STATFS_BYTES = 120;

  private final Libc libc;

  /**
   * Asks nothing yet.
   *
   * @param libc makes the calls
   */
  public BpfFileSystem(Libc libc) {
    Objects.requireNonNull(libc, "libc");
    this.libc = libc;
  }

  /**
   * {@return whether the path exists and lies in a BPF file system}
   *
   * @param path of a file or folder, in the calling thread's mount namespace
   * @throws KernelException when the path cannot be examined for another reason than its absence
   */
  public boolean contains(Path path) {
    Objects.requireNonNull(path, "path");
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment statfs = arena.allocate(STATFS_BYTES, 8);
      long result =
          libc.call(
              Syscall.STATFS,
              arena.allocateFrom(path.toString()).address(),
              statfs.address(),
              0,
              0,
              0,
              0);
      if (result == -Errno.ENOENT.number()) {
        return false;
      }
      KernelException.check(result, "statfs", path.toString(), "");
      return statfs.get(JAVA_LONG, 0) == MAGIC;
    }
  }

  /**
   * Mounts a BPF file system, readable by root alone, on a folder; makes the folder where its file
   * system lets us. Does nothing where there is one already.
   *
   * @param folder such as {@link #DEFAULT}
   * @throws KernelException when the folder cannot be made, or the kernel refuses: EPERM without
   *     CAP_SYS_ADMIN
   */
  public void mount(Path folder) {
    Objects.requireNonNull(folder, "folder");
    if (contains(folder)) {
      return;
    }
    try {
      Files.createDirectories(folder);
    } catch (IOException refused) {
      throw new KernelException(
          "mkdir",
          folder.toString(),
          Errno.EACCES.number(),
          "make the folder first, or pin below " + DEFAULT + " (" + refused.getMessage() + ")");
    }
    long result = new Mounts(libc).mount(Mounts.Mount.of("bpf", folder, "mode=0700"));
    KernelException.check(
        result,
        "mount",
        folder.toString(),
        result == -Errno.EPERM.number()
            ? "run as root, or mount it beforehand: mount -t bpf bpf " + folder
            : "does this kernel have CONFIG_BPF_SYSCALL?");
  }

  /**
   * Undoes {@link #mount}, unless somebody has pinned something there since. Does nothing where
   * there is no BPF file system.
   *
   * @param folder the mount point
   * @throws KernelException when the kernel refuses: EBUSY while a process stands in it
   */
  public void unmountIfEmpty(Path folder) {
    Objects.requireNonNull(folder, "folder");
    if (contains(folder) && isEmpty(folder)) {
      KernelException.check(
          new Mounts(libc).unmount(folder, 0),
          "umount2",
          folder.toString(),
          "is it a mount point, and not in use?");
    }
  }

  /**
   * Whether nobody has pinned anything there. The kernel itself puts maps.debug and progs.debug
   * into a new one (CONFIG_BPF_PRELOAD), and nobody else can give names with dots.
   */
  private static boolean isEmpty(Path folder) {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.allMatch(entry -> entry.getFileName().toString().contains("."));
    } catch (IOException e) {
      throw new RefusedException(
          "Cannot list " + folder + ": " + e.getMessage() + "; look as root.", e);
    }
  }
}
