// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import dev.culvert.kernel.IpAddresses;
import java.net.InetAddress;
import java.util.List;
import java.util.Objects;

/**
 * What this host answers for in one overlay network of one IP family: the address that containers
 * route to, and the network behind it.
 *
 * @param address in this host's subnet; the same family as the network
 * @param network the whole overlay prefix, not only this host's subnet
 */
public record Gateway(InetAddress address, IpPrefix network) {
  /**
   * Checks that the one is in the other.
   *
   * @throws IllegalArgumentException when the address lies outside the network
   */
  public Gateway {
    Objects.requireNonNull(address, "address");
    Objects.requireNonNull(network, "network");
    if (!network.contains(address)) {
      throw new IllegalArgumentException(
          "The gateway "
              + IpAddresses.text(address)
              + " is not in the network "
              + network
              + ": choose one from this host's subnet.");
    }
  }

  /**
   * Whom a subnet's containers take for their router.
   *
   * @param subnet of either family, of any length
   * @return the first address behind the subnet's own, such as 10.244.1.1 of 10.244.1.0/24; of a
   *     subnet of one address, that address
   */
  public static InetAddress addressIn(IpPrefix subnet) {
    Objects.requireNonNull(subnet, "subnet");
    byte[] first = subnet.address().getAddress();
    if (subnet.length() < subnet.family().addressBits()) {
      first[first.length - 1] |= 1;
    }
    return IpFamily.address(first);
  }

  /**
   * IPv4 first.
   *
   * @throws IllegalArgumentException for none, or two of one family
   */
  static List<Gateway> sorted(List<Gateway> gateways) {
    return IpFamily.sorted(gateways, Gateway::address);
  }
}
