// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import java.util.List;

/**
 * What {@link Datapath#start} set, kept beside the pins so that the maps can be read without the
 * agent.
 *
 * @param gateways one for each IP family that is used, IPv4 first
 * @param underlay name of the underlay interface
 */
public record Identity(Vni vni, Vtep vtep, List<Gateway> gateways, String underlay) {
  /**
   * @throws IllegalArgumentException for no gateway, or two of one family
   */
  public Identity {
    gateways = Gateway.sorted(gateways);
  }

  /** The overlay networks, one for each family. */
  public List<IpPrefix> networks() {
    return gateways.stream().map(Gateway::network).toList();
  }
}
