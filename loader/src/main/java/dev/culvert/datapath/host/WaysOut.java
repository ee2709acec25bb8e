// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import dev.culvert.kernel.netlink.RouteInfo;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Where packets leave a host whose underlay address is on the loopback interface, as it is where
 * hosts speak a routing protocol and have several links: that interface says nothing of the way.
 */
public final class WaysOut {
  private static final String LOOPBACK = "lo";

  /** RT_TABLE_LOCAL: routes to the host's own addresses. */
  private static final int TABLE_LOCAL = 255;

  /** What is taken for the way while there is none (RFC 894). */
  private static final int ETHERNET_MTU_BYTES = 1500;

  private WaysOut() {}

  /** Whether nothing leaves by that interface. */
  public static boolean isLoopback(LinkInfo link) {
    return link.name().equals(LOOPBACK);
  }

  /**
   * The interfaces that routes through a gateway lead to; where there are none, those of any routes
   * but ours.
   */
  public static List<LinkInfo> of(Netlink netlink) {
    List<RouteInfo> routes = netlink.routes().all();
    List<LinkInfo> gateways = interfaces(netlink, routes, route -> route.gateway().isPresent());
    return gateways.isEmpty()
        ? interfaces(netlink, routes, route -> route.protocol() != RouteInfo.OUR_PROTOCOL)
        : gateways;
  }

  private static List<LinkInfo> interfaces(
      Netlink netlink, List<RouteInfo> routes, Predicate<RouteInfo> wanted) {
    return routes.stream()
        .filter(route -> route.table() != TABLE_LOCAL)
        .filter(wanted)
        .map(RouteInfo::interfaceIndex)
        .distinct()
        .map(netlink::link)
        .flatMap(Optional::stream)
        .filter(link -> !isLoopback(link) && !link.name().equals(HostDevice.NAME.text()))
        .toList();
  }

  /**
   * The interface that decides how large packets may be: the given one, or the way out that takes
   * the least, of a loopback interface.
   */
  public static LinkInfo narrowest(Netlink netlink, LinkInfo underlay) {
    if (!isLoopback(underlay)) {
      return underlay;
    }
    return of(netlink).stream()
        .min(Comparator.comparingInt(LinkInfo::mtuBytes))
        .orElseGet(() -> underlay.withMtu(ETHERNET_MTU_BYTES));
  }
}
