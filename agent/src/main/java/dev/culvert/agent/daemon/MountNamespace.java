// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfFileSystem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * {@code ip netns exec} also enters a mount namespace of its own, with a new /sys where the bpf
 * file system is missing (ip-netns(8)): pins made there would die with the process.
 */
public final class MountNamespace {
  // Fields of a line of /proc/PID/mountinfo (proc(5)); those behind the hyphen are counted from it.
  private static final int MOUNT_POINT = 4;
  private static final int SOURCE_BEHIND_HYPHEN = 2;

  private MountNamespace() {}

  /**
   * One sentence for people when "ip netns exec" hides the bpf file system, naming what to use
   * instead; empty when that is not the reason.
   */
  public static Optional<String> hidden(Libc libc, Path bpffs) {
    if (new BpfFileSystem(libc).contains(bpffs)) {
      return Optional.empty();
    }
    try {
      return networkNamespace(Files.readString(Path.of("/proc/self/mountinfo")))
          .filter(name -> Files.exists(Path.of("/run/netns", name)))
          .map(name -> sentence(bpffs, name));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  static String sentence(Path bpffs, String name) {
    return "The bpf file system %s is hidden here, as \"ip netns exec\" does; use \"nsenter --net=/run/netns/%s\" instead."
        .formatted(bpffs, name);
  }

  /**
   * The name given to "ip netns exec", which mounts /sys with it as source.
   *
   * @param mountInfo the text of /proc/PID/mountinfo
   */
  static Optional<String> networkNamespace(String mountInfo) {
    return mountInfo
        .lines()
        .map(line -> line.split(" ", -1))
        .filter(fields -> fields.length > MOUNT_POINT && fields[MOUNT_POINT].equals("/sys"))
        .map(MountNamespace::source)
        .reduce((earlier, later) -> later)
        .filter(source -> !source.equals("sysfs") && !source.equals("none"));
  }

  private static String source(String[] fields) {
    for (int i = MOUNT_POINT; i + SOURCE_BEHIND_HYPHEN < fields.length; i++) {
      if (fields[i].equals("-")) {
        return fields[i + SOURCE_BEHIND_HYPHEN];
      }
    }
    return "none";
  }
}
