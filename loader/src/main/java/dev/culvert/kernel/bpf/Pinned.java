// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.system.FileDescriptor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Function;

/** Opens what is pinned in a bpf file system, if it is of the kind that was expected. */
final class Pinned {
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

  private Pinned() {}

  /** Makes the owner of what is pinned there; without one, the descriptor is closed again. */
  static <T> T open(Bpf bpf, Path pin, Kind kind, Function<FileDescriptor, T> owner) {
    int result = bpf.getPinned(pin.toString());
    if (result < 0) {
      throw BpfErrors.openPinned(pin.toString(), result);
    }
    return new FileDescriptor(bpf.libc(), result)
        .handTo(fd -> {
          checkKind(fd, pin, kind);
          return owner.apply(fd);
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
