// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import dev.culvert.datapath.Change;
import dev.culvert.datapath.Identity;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import java.util.List;
import java.util.Optional;

/** A bridge that somebody else made, which leads to containers. */
public final class ForeignBridge {
  private ForeignBridge() {}

  /**
   * A bridge by its name.
   *
   * @throws RefusedException when there is none, or the name is another device's
   */
  public static LinkInfo find(Netlink netlink, InterfaceName bridge) {
    LinkInfo device =
        netlink
            .link(bridge)
            .orElseThrow(
                () -> new RefusedException("There is no bridge " + bridge + " on this host."));
    if (!device.kind().equals("bridge")) {
      throw new RefusedException(
          bridge
              + " is "
              + (device.kind().isEmpty() ? "no bridge" : "a " + device.kind() + ", no bridge")
              + ": name the bridge that the containers' interfaces are in.");
    }
    return device;
  }

  /**
   * What a bridge leaves behind of the subnet that lay behind it: one that is the host's own stays
   * so, without the bridge.
   *
   * @param host empty while it is nobody in the overlay
   */
  public static Change without(LocalSubnet local, Optional<Identity> host) {
    Subnet subnet = local.subnet();
    boolean own =
        host
            .filter(identity -> identity.vni().equals(subnet.vni()))
            .map(Identity::gateways)
            .orElse(List.of())
            .stream()
            .anyMatch(gateway -> subnet.prefix().contains(gateway.address()));
    return own ? new Change.PutLocal(new LocalSubnet(subnet, 0)) : new Change.RemoveSubnet(subnet);
  }
}
