// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import java.util.stream.Collectors;

/** An interface that the configuration names as underlay. */
public final class UnderlayInterface {
  private UnderlayInterface() {}

  /**
   * The interface as it is now.
   *
   * @throws RefusedException when there is none of that name, or it is in a VRF
   */
  public static LinkInfo find(Netlink netlink, InterfaceName name) {
    LinkInfo found =
        netlink
            .link(name)
            .orElseThrow(() ->
                new RefusedException(
                    "There is no interface "
                        + name
                        + " to use as underlay; this host has "
                        + netlink.links().stream()
                            .map(LinkInfo::name)
                            .collect(Collectors.joining(", "))
                        + "."));
    if (found.masterIndex() != 0) {
      netlink.link(found.masterIndex()).ifPresent(master -> requireNoVrf(found, master));
    }
    return found;
  }

  /** The tunnel's socket, its device and the routes that next hops come from are outside of any. */
  static void requireNoVrf(LinkInfo underlay, LinkInfo master) {
    if (master.kind().equals("vrf")) {
      throw new RefusedException(
          "The underlay interface "
              + underlay.name()
              + " is in the VRF "
              + master.name()
              + ", whose routes the tunnel does not use: name an interface outside of it, or take"
              + " this one out (ip link set "
              + underlay.name()
              + " nomaster).");
    }
  }
}
