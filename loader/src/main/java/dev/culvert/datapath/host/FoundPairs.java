// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Vni;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import dev.culvert.kernel.netlink.RouteInfo;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What the host itself tells of containers' pairs, when no table does: they bear our alias, their
 * names and MACs come from their addresses, and routes of ours lead to these.
 */
public final class FoundPairs {
  private FoundPairs() {}

  /** Every pair that this instance made and finished, in one network. */
  public static List<Endpoint> find(Netlink netlink, Ownership ownership, Vni vni) {
    Map<Integer, LinkInfo> pairs =
        netlink.links().stream()
            .filter(link -> link.kind().equals("veth") && ownership.owns(link))
            .collect(Collectors.toMap(LinkInfo::index, Function.identity()));
    Map<Integer, List<InetAddress>> routed =
        netlink.routes().all().stream()
            .filter(route -> pairs.containsKey(route.interfaceIndex()) && isToContainer(route))
            .collect(
                Collectors.groupingBy(
                    RouteInfo::interfaceIndex,
                    Collectors.mapping(RouteInfo::destination, Collectors.toList())));
    List<Endpoint> found = new ArrayList<>();
    routed.forEach((index, addresses) -> {
      InetAddress first = IpFamily.sorted(addresses, Function.identity()).getFirst();
      if (pairs.get(index).name().equals(ContainerInterface.hostName(vni, first).text())) {
        found.add(
            new Endpoint(
                    vni,
                    addresses,
                    ContainerInterface.mac(vni, first),
                    new Endpoint.HostEnd(index, ContainerInterface.hostMac(vni, first), true))
                .withContainer(ownership.container(pairs.get(index).alias())));
      }
    });
    return found;
  }

  /** The kernel itself has routes to the gateways' addresses there. */
  private static boolean isToContainer(RouteInfo route) {
    return route.protocol() == RouteInfo.OUR_PROTOCOL
        && route.prefixLength() == IpPrefix.of(route.destination()).length();
  }
}
