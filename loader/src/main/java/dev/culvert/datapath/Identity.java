// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import dev.culvert.kernel.InterfaceName;
import java.util.List;
import java.util.Objects;

/**
 * What {@link Datapath#start} set, kept beside the pins so that the maps can be read without the
 * agent.
 *
 * @param vni the network
 * @param vtep this host's own tunnel end
 * @param gateways one for each IP family that is used, IPv4 first
 * @param underlay name of the underlay interface
 */
public record Identity(Vni vni, Vtep vtep, List<Gateway> gateways, InterfaceName underlay) {
  /**
   * Sorts the gateways.
   *
   * @throws IllegalArgumentException for no gateway, or two of one family
   */
  public Identity {
    Objects.requireNonNull(gateways, "gateways");
    gateways = Gateway.sorted(gateways);
  }

  /** {@return the overlay's prefixes, one for each family, IPv4 first} */
  public List<IpPrefix> networks() {
    return gateways.stream().map(Gateway::network).toList();
  }
}
