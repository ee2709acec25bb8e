// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import java.net.InetAddress;
import java.util.Optional;

/**
 * This host's own subnet.
 *
 * @param bridgeIndex the bridge that leads to its containers, or 0 when each container is an {@link
 *     Endpoint}
 */
public record LocalSubnet(Subnet subnet, int bridgeIndex) {
  /**
   * What its bridge leaves behind: a subnet that is the host's own stays so.
   *
   * @param host empty while it is nobody in the overlay
   */
  Change withoutBridge(Optional<Identity> host) {
    boolean own =
        host.filter(identity -> identity.vni().equals(subnet.vni()))
            .filter(identity -> identity.owns(subnet.prefix()))
            .isPresent();
    return own ? new Change.PutLocal(new LocalSubnet(subnet, 0)) : new Change.RemoveSubnet(subnet);
  }

  /**
   * Whom the containers take for their router: the subnet's first address behind its own. A subnet
   * of one address has none but that.
   */
  InetAddress gateway() {
    byte[] first = subnet.prefix().address().getAddress();
    if (subnet.prefix().length() < subnet.prefix().family().addressBits()) {
      first[first.length - 1] |= 1;
    }
    return IpFamily.address(first);
  }
}
