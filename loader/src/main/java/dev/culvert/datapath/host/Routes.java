// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.kernel.netlink.RouteInfo;
import java.net.InetAddress;
import java.util.Optional;

/** The routes that we add: in table main, with a protocol number of our own. */
final class Routes {

  private Routes() {}

  static RouteInfo onLink(IpPrefix to, int interfaceIndex, Optional<InetAddress> source) {
    RouteInfo.Builder route = RouteInfo.to(to.address(), to.length(), interfaceIndex);
    source.ifPresent(route::from);
    return route.build();
  }

  static RouteInfo via(IpPrefix to, InetAddress gateway, int interfaceIndex) {
    return RouteInfo.to(to.address(), to.length(), interfaceIndex).via(gateway).build();
  }

  /** Through a gateway that no connected network holds. */
  static RouteInfo through(
      IpPrefix to, InetAddress gateway, int interfaceIndex, InetAddress source) {
    return RouteInfo.to(to.address(), to.length(), interfaceIndex)
        .viaOnLink(gateway)
        .from(source)
        .build();
  }

  static boolean sameDestination(RouteInfo a, RouteInfo b) {
    return a.prefixLength() == b.prefixLength() && a.destination().equals(b.destination());
  }

  static boolean isDefault(RouteInfo route, IpFamily family) {
    return route.prefixLength() == 0
        && route.table() == RouteInfo.TABLE_MAIN
        && IpFamily.of(route.destination()) == family;
  }
}
