// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import java.net.InetAddress;
import java.util.List;
import java.util.function.Function;

/**
 * One container interface of this host.
 *
 * @param vni the network
 * @param addresses one, or one of each IP family, IPv4 first
 * @param interfaceIndex the host's end
 * @param peer whether the host's end is a veth with its other end in the container, so that packets
 *     can be put straight into the container's namespace
 * @param mac the container's end
 * @param hostMac the host's end
 */
public record Endpoint(
    Vni vni,
    List<InetAddress> addresses,
    int interfaceIndex,
    boolean peer,
    MacAddress mac,
    MacAddress hostMac) {
  /**
   * Sorts the addresses.
   *
   * @throws IllegalArgumentException for no address, or two of one family
   */
  public Endpoint {
    addresses = IpFamily.sorted(addresses, Function.identity());
  }

  /**
   * With one address.
   *
   * @param vni the network
   * @param address of either family
   * @param interfaceIndex the host's end
   * @param peer whether the host's end is a veth with its other end in the container
   * @param mac the container's end
   * @param hostMac the host's end
   */
  public Endpoint(
      Vni vni,
      InetAddress address,
      int interfaceIndex,
      boolean peer,
      MacAddress mac,
      MacAddress hostMac) {
    this(vni, List.of(address), interfaceIndex, peer, mac, hostMac);
  }

  /** {@return the first of its addresses, by which it is known} */
  public InetAddress address() {
    return addresses.getFirst();
  }
}
