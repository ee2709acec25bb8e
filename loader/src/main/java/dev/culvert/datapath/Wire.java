// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import java.util.Objects;

/**
 * What packets of a network bear on the way between hosts. The VNI is the network's own, unless the
 * network was changed to another while it ran.
 *
 * @param port the outer UDP destination port
 * @param vni in the VXLAN header
 */
public record Wire(int port, Vni vni) {
  /**
   * Checks the port.
   *
   * @throws IllegalArgumentException outside 1-65535
   */
  public Wire {
    Vtep.requirePort(port);
    Objects.requireNonNull(vni, "vni");
  }

  /** As in {@code port 4789, VNI 1}. */
  @Override
  public String toString() {
    return "port " + port + ", VNI " + vni;
  }
}
