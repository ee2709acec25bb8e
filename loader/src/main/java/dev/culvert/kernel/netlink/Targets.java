// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.KernelException;
import java.net.InetAddress;

/** What a netlink request is made on, in the words of a {@link KernelException}. */
final class Targets {
  private Targets() {}

  static String of(int interfaceIndex) {
    return interfaceIndex == 0 ? "no interface" : "interface " + interfaceIndex;
  }

  static String of(AddressInfo address) {
    return "address "
        + IpAddresses.text(address.address())
        + "/"
        + address.prefixLength()
        + " of "
        + of(address.interfaceIndex());
  }

  static String of(RouteInfo route) {
    return "route "
        + IpAddresses.text(route.destination())
        + "/"
        + route.prefixLength()
        + route.gateway().map(gateway -> " via " + IpAddresses.text(gateway)).orElse("")
        + " on "
        + of(route.interfaceIndex());
  }

  static String wayTo(InetAddress destination) {
    return "route to " + IpAddresses.text(destination);
  }

  static String neighbour(int interfaceIndex, InetAddress address) {
    return "neighbour " + IpAddresses.text(address) + " on " + of(interfaceIndex);
  }
}
