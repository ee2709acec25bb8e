// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Keeps the MTUs of our devices in line with the underlay's: of culvert0, and of containers'
 * interfaces on both sides.
 */
public final class Mtus {
  private final Libc libc;
  private final Netlink netlink;
  private final Ownership ownership;

  public Mtus(Libc libc, Netlink netlink, Ownership ownership) {
    this.libc = libc;
    this.netlink = netlink;
    this.ownership = ownership;
  }

  /** Gives every device of this instance that MTU. */
  public void follow(int mtuBytes) {
    for (LinkInfo link : netlink.links()) {
      if (link.mtuBytes() == mtuBytes || !ownership.owns(link)) {
        continue;
      }
      if (link.kind().equals("veth")) {
        followVeth(link, mtuBytes);
      } else if (link.name().equals(HostDevice.NAME.text())) {
        netlink.setMtu(link.index(), mtuBytes);
      }
    }
  }

  /**
   * A veth end drops what is larger than its own MTU, so the host's end is never the smaller one.
   * Where the container's end cannot be reached, nothing is lowered: the program answers packets
   * that are too big.
   */
  private void followVeth(LinkInfo here, int mtuBytes) {
    try {
      if (mtuBytes > here.mtuBytes()) {
        netlink.setMtu(here.index(), mtuBytes);
        followInside(here, mtuBytes);
      } else if (followInside(here, mtuBytes)) {
        netlink.setMtu(here.index(), mtuBytes);
      }
    } catch (KernelException e) {
      if (netlink.link(here.index()).isPresent()) { // Else the container ended meanwhile.
        throw e;
      }
    }
  }

  /** False when the container's end is out of reach. */
  private boolean followInside(LinkInfo here, int mtuBytes) {
    Optional<Path> netns = ownership.netns(here);
    if (netns.isEmpty()) {
      return false;
    }
    try (NetNamespace namespace = NetNamespace.open(libc, netns.get());
        Netlink inside = Netlink.open(libc, namespace)) {
      Optional<LinkInfo> there =
          inside.link(here.peerIndex()).filter(link -> link.peerIndex() == here.index());
      if (there.isEmpty()) {
        return false; // The path leads to another namespace by now.
      }
      // One that differs from ours is somebody's choice: it is only kept from being too large.
      int now = there.get().mtuBytes();
      if (now > mtuBytes || now == here.mtuBytes()) {
        inside.setMtu(there.get().index(), mtuBytes);
      }
      return true;
    } catch (KernelException unreachable) {
      return false;
    }
  }
}
