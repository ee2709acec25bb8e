// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import dev.culvert.kernel.netlink.RouteInfo;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Subnets of hosts on the same link, which packets reach as they are: without eBPF that is a route
 * of the kernel. What comes back enters by the underlay interface, which must then forward: that is
 * turned on with the first such route, and off again by {@link #removeAll} where it was off.
 */
public final class DirectRoutes {
  /** An interface, and what it forwards. */
  private record Turned(int interfaceIndex, IpFamily family) {}

  private final Netlink netlink;
  private final Map<Subnet, NextHop> routes = new HashMap<>();
  private final Forwarding forwarding;
  private final Supplier<Own> own;
  private final Set<Turned> turnedOn = new HashSet<>();

  /**
   * What this host sends itself comes from its overlay address and fits containers' interfaces: the
   * other host takes it past its stack, where nothing is cut.
   *
   * @param mtuBytes 0 while nobody knows
   * @param addresses of this host in the overlay, by family
   */
  public record Own(int mtuBytes, Map<IpFamily, InetAddress> addresses) {}

  /**
   * @param own asked anew for each route
   */
  public DirectRoutes(Netlink netlink, Forwarding forwarding, Supplier<Own> own) {
    this.netlink = netlink;
    this.forwarding = forwarding;
    this.own = own;
  }

  public void put(RemoteSubnet remote) {
    if (!remote.direct() || remote.nextHop().isEmpty()) {
      remove(remote.subnet());
      return;
    }
    NextHop way = remote.nextHop().get();
    forward(remote.subnet(), way);
    netlink.routes().replace(route(remote.subnet(), way));
    routes.put(remote.subnet(), way);
  }

  private RouteInfo route(Subnet to, NextHop way) {
    Own now = own.get();
    RouteInfo.Builder route =
        RouteInfo.to(to.prefix().address(), to.prefix().length(), way.interfaceIndex())
            .via(way.gateway())
            .mtuBytes(now.mtuBytes());
    Optional.ofNullable(now.addresses().get(to.prefix().family())).ifPresent(route::from);
    return route.build();
  }

  /** The routes that there should be. */
  public List<Fixture> wanted() {
    List<Fixture> all = new ArrayList<>();
    routes.forEach((subnet, way) ->
        all.add(
            new Fixture.Route(
                route(subnet, way), "interface " + way.interfaceIndex(), Optional.empty())));
    return all;
  }

  /** Lets the interfaces of the routes forward again, should somebody have switched that off. */
  public void keepForwarding() {
    routes.forEach(this::forward);
  }

  private void forward(Subnet to, NextHop way) {
    IpFamily family = to.prefix().family();
    netlink
        .link(way.interfaceIndex())
        .filter(link -> !forwarding.isOn(link.name(), family))
        .ifPresent(link -> {
          forwarding.turn(link, family, true);
          turnedOn.add(new Turned(link.index(), family));
        });
  }

  public void remove(Subnet subnet) {
    NextHop way = routes.remove(subnet);
    if (way != null) {
      boolean _ = netlink.routes().remove(route(subnet, way));
    }
  }

  public void removeAll() {
    Set.copyOf(routes.keySet()).forEach(this::remove);
    for (LinkInfo link : netlink.links()) {
      for (IpFamily family : IpFamily.values()) {
        if (turnedOn.contains(new Turned(link.index(), family))) {
          forwarding.turn(link, family, false);
        }
      }
    }
    turnedOn.clear();
  }
}
