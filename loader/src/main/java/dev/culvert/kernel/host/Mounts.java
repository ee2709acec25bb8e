// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.host;

import dev.culvert.kernel.Libc;
import dev.culvert.kernel.system.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/** mount(2) and umount2(2), as far as namespaces and the BPF file system need them. */
public final class Mounts {
  static final long MS_BIND = 4096;
  static final long MS_REC = 16384;
  static final long MS_SHARED = 1 << 20;
  static final int MNT_DETACH = 2;

  private final Libc libc;

  public Mounts(Libc libc) {
    this.libc = libc;
  }

  /** What to mount where; {@code data} empty for none. */
  public record Mount(String source, Path target, String type, long flags, String data) {
    /** A file system of its own, such as bpf. */
    public static Mount of(String type, Path target, String data) {
      return new Mount(type, target, type, 0, data);
    }

    /** Of what is there already: bound elsewhere, or spread in another way. */
    static Mount again(String source, Path target, long flags) {
      return new Mount(source, target, "none", flags, "");
    }
  }

  /** 0, or the negated errno. */
  public long mount(Mount mount) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment data =
          mount.data().isEmpty() ? MemorySegment.NULL : arena.allocateFrom(mount.data());
      return libc.call(
          Syscall.MOUNT,
          arena.allocateFrom(mount.source()).address(),
          arena.allocateFrom(mount.target().toString()).address(),
          arena.allocateFrom(mount.type()).address(),
          mount.flags(),
          data.address(),
          0);
    }
  }

  /** 0, or the negated errno. */
  public long unmount(Path target, int flags) {
    try (Arena arena = Arena.ofConfined()) {
      return libc.call(
          Syscall.UMOUNT2, arena.allocateFrom(target.toString()).address(), flags, 0, 0, 0, 0);
    }
  }
}
