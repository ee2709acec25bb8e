// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel;

import dev.culvert.kernel.system.FileDescriptor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Function;

/** How a fresh descriptor gets its owner, without a leak on the way. */
final class Owned {
  /** What a descriptor of bpf(2) may be, as /proc/self/fd names it. */
  enum Kind {
    MAP("bpf-map", "map"),
    PROGRAM("bpf-prog", "program"),
    LINK("bpf-link", "link");

    private final String procName;
    private final String word;

    Kind(String procName, String word) {
      this.procName = procName;
      this.word = word;
    }
  }

  private Owned() {}

  /** Closes the descriptor when its owner cannot be made. */
  static <T> T orClose(FileDescriptor fd, Function<FileDescriptor, T> owner) {
    boolean made = false;
    try {
      T result = owner.apply(fd);
      made = true;
      return result;
    } finally {
      if (!made) {
        fd.close();
      }
    }
  }

  static FileDescriptor openPinned(Bpf bpf, Path pin, Kind kind) {
    int result = bpf.getPinned(pin.toString());
    if (result < 0) {
      throw BpfErrors.openPinned(pin.toString(), result);
    }
    return orClose(
        new FileDescriptor(bpf.libc(), result),
        fd -> {
          checkKind(fd, pin, kind);
          return fd;
        });
  }

  /** BPF_OBJ_GET opens whatever is pinned; only /proc tells what it was. */
  private static void checkKind(FileDescriptor fd, Path pin, Kind kind) {
    String target;
    try {
      target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + fd.number())).toString();
      // The kernel has written a link as bpf_link and as bpf-link.
      target = target.replace('_', '-');
    } catch (IOException e) {
      // Without /proc, a descriptor of another kind fails at its first use instead.
      return;
    }
    if (target.startsWith("anon-inode:") && !target.endsWith(kind.procName)) {
      throw new KernelException(
          "BPF_OBJ_GET",
          pin.toString(),
          Errno.EINVAL.number(),
          "it is no " + kind.word + " but " + target.substring("anon-inode:".length()));
    }
  }
}
