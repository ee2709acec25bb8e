// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import java.util.Objects;

/**
 * This host's own subnet.
 *
 * @param subnet what this host leases
 * @param bridgeIndex the bridge that leads to its containers, or 0 when each container is an {@link
 *     Endpoint}
 */
public record LocalSubnet(Subnet subnet, int bridgeIndex) {
  /** Checks that all is there. */
  public LocalSubnet {
    Objects.requireNonNull(subnet, "subnet");
  }
}
