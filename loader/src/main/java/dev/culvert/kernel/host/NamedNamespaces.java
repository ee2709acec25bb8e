// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.host;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * The folder of named namespaces, kept as ip-netns(8) keeps it (iproute2, ip/ipnetns.c), so that
 * both tools see each other's names: an empty file for each, with the namespace bind-mounted on it,
 * in a folder whose mounts spread to other mount namespaces.
 */
final class NamedNamespaces {
  private final Mounts mounts;
  private final Path folder;

  NamedNamespaces(Libc libc, Path folder) {
    this.mounts = new Mounts(libc);
    this.folder = folder;
  }

  /** Makes the empty file that the namespace will be mounted on. */
  void reserve(Path target) {
    try {
      Files.createDirectories(folder);
      share();
      Files.createFile(
          target,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("---------")));
    } catch (FileAlreadyExistsException taken) {
      throw new KernelException(
          "open",
          "namespace " + target,
          Errno.EEXIST.number(),
          "choose another name, or delete it with \"ip netns del "
              + target.getFileName()
              + "\" if nobody needs it");
    } catch (IOException refused) {
      throw new UncheckedIOException(
          "Cannot create the namespace file " + target + "; are we root?", refused);
    }
  }

  /** Without this, "ip netns exec" in another mount namespace would keep deleted names alive. */
  private void share() {
    long shared = mount("none", folder, Mounts.MS_SHARED | Mounts.MS_REC);
    if (shared == -Errno.EINVAL.number()) {
      // Not a mount point yet: only mount points can be shared.
      check(mount(folder.toString(), folder, Mounts.MS_BIND | Mounts.MS_REC));
      shared = mount("none", folder, Mounts.MS_SHARED | Mounts.MS_REC);
    }
    check(shared);
  }

  private void check(long result) {
    KernelException.check(result, "mount", folder.toString(), "run as root");
  }

  void bind(Path namespace, Path target) {
    KernelException.check(
        mount(namespace.toString(), target, Mounts.MS_BIND),
        "mount",
        "namespace " + target,
        "run as root");
  }

  private long mount(String source, Path target, long flags) {
    return mounts.mount(Mounts.Mount.again(source, target, flags));
  }

  /** Unmounts and removes the file; false when there was none. */
  boolean release(Path target) {
    if (!Files.exists(target)) {
      return false;
    }
    long result = mounts.unmount(target, Mounts.MNT_DETACH);
    // EINVAL: a file without a mount, left by somebody who died between the two steps.
    if (result != -Errno.EINVAL.number()) {
      KernelException.check(result, "umount2", "namespace " + target, "run as root");
    }
    try {
      Files.deleteIfExists(target);
      return true;
    } catch (IOException refused) {
      throw new UncheckedIOException("Cannot remove the namespace file " + target, refused);
    }
  }
}
