// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import dev.culvert.agent.daemon.MountNamespace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** Where pins are. Most systems mount it at boot. */
public final class BpfFileSystem {
  public static final Path DEFAULT = Path.of("/sys/fs/bpf");

  private BpfFileSystem() {}

  static void mount(Shell shell, Path path) {
    shell.check(Command.of("mount", "-t", "bpf", "bpf", path.toString()));
  }

  /** Undoes {@link #mount}, unless somebody has pinned something there since. */
  static void unmount(Shell shell, Path path) {
    if (!MountNamespace.isBpfFileSystem(path)) {
      return;
    }
    try (Stream<Path> children = Files.list(path)) {
      // maps.debug and progs.debug are the kernel's.
      if (children.anyMatch(child -> !child.toString().endsWith(".debug"))) {
        return;
      }
    } catch (IOException e) {
      throw new LabException("Cannot read " + path + ": " + e.getMessage() + ".", e);
    }
    shell.check(Command.of("umount", path.toString()));
  }
}
