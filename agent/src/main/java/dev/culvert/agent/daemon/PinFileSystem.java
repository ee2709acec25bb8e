// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import dev.culvert.agent.UserException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfFileSystem;
import dev.culvert.kernel.host.FolderLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Sees to it that pins have somewhere to stay. Several agents may begin at once: mounted twice, the
 * second mount would hide the pins in the first.
 */
final class PinFileSystem {
  private PinFileSystem() {}

  /** Mounts the bpf file system where it is missing, and says so; whether it did. */
  static boolean ensure(Libc libc, Path bpffs, Consumer<String> say) {
    BpfFileSystem files = new BpfFileSystem(libc);
    if (files.contains(bpffs)) {
      return false;
    }
    // A mount made there would vanish with us, and the pins with it.
    Optional<String> hidden = MountNamespace.hidden(libc, bpffs);
    if (hidden.isPresent()) {
      throw new UserException(hidden.get());
    }
    try (FolderLock _ = lockAbove(libc, bpffs)) {
      if (files.contains(bpffs)) {
        return false;
      }
      files.mount(bpffs);
    }
    say.accept("mounted a bpf file system on " + bpffs);
    return true;
  }

  /** Unmounts what {@link #ensure} mounted, unless somebody has pinned something there since. */
  static void release(Libc libc, Path bpffs) {
    try (FolderLock _ = lockAbove(libc, bpffs)) {
      new BpfFileSystem(libc).unmountIfEmpty(bpffs);
    }
  }

  /** The nearest folder above the mount point that exists. */
  private static FolderLock lockAbove(Libc libc, Path bpffs) {
    Path folder = bpffs.toAbsolutePath().normalize().getParent();
    while (folder != null && !Files.isDirectory(folder)) {
      folder = folder.getParent();
    }
    return FolderLock.take(libc, folder == null ? Path.of("/") : folder);
  }
}
