// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.host.HostDevice;
import dev.culvert.datapath.host.Ownership;
import dev.culvert.datapath.pin.Pins;
import dev.culvert.datapath.table.ProgramNames;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.bpf.Link;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import java.util.Optional;

/**
 * An instance whose pins are not where they are looked for: a bpf file system is mounted over them,
 * or this is another mount namespace. Its programs still carry packets; attached twice, each packet
 * would meet both.
 */
final class OtherPins {
  /** The kernel takes a program off a moment after its last pin is gone, on a queue of its own. */
  private static final int LOOKS = 20;

  private static final long BETWEEN_MS = 100;

  private OtherPins() {}

  /**
   * Sees to it that no programs run for an instance that has no pins.
   *
   * @throws RefusedException when some do
   */
  static void requireNone(Libc libc, Netlink netlink, Pins pins) {
    Optional<LinkInfo> device =
        netlink.link(HostDevice.NAME).filter(new Ownership(pins.instance())::owns);
    for (int i = 0; device.isPresent() && i < LOOKS; i++) {
      if (!runs(libc, device.get())) {
        return;
      }
      pause();
    }
    if (device.isPresent()) {
      throw new RefusedException(
          "This host carries packets by programs whose pins are not in "
              + pins.folder()
              + ": another bpf file system is mounted over them, or this mount namespace is not the"
              + " one of before. Start where they are to be seen (in a container, mount the host's"
              + " /sys/fs/bpf), or delete "
              + HostDevice.NAME
              + " to give them up.");
    }
  }

  private static boolean runs(Libc libc, LinkInfo device) {
    return Link.tcxPrograms(libc, device.index(), Link.Direction.INGRESS)
        .contains(ProgramNames.FROM_TUNNEL);
  }

  private static void pause() {
    try {
      Thread.sleep(BETWEEN_MS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new RefusedException("The start was interrupted.", e);
    }
  }
}
