// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.datapath;

import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Topology;
import java.util.ArrayList;
import java.util.List;

/**
 * Plain routing ("host-gw"): no encapsulation. Works only because here the router is told every
 * subnet, which an overlay exists to avoid.
 */
public final class RoutesDatapath implements LabDatapath {
  private final Topology topology;
  private final boolean routerKnows;
  private final ContainerLinks links;

  /**
   * @param routerKnows false leaves the router without a word of the overlay, as in scenario 4a
   */
  public RoutesDatapath(Topology topology, boolean routerKnows, ContainerLinks links) {
    this.topology = topology;
    this.links = links;
    this.routerKnows = routerKnows;
  }

  @Override
  public String name() {
    return "routes";
  }

  @Override
  public void up() {
    LabPlan plan = topology.plan();
    for (LabPlan.Host host : plan.hostList()) {
      List<String> routes = new ArrayList<>();
      for (LabPlan.Host other : plan.hostList()) {
        if (other.number() != host.number()) {
          String via = host.gateway().orElse(other.address());
          routes.add("route add " + subnet(other) + " via " + via);
        }
      }
      topology.ip(host.namespace(), routes);
    }
    if (routerKnows && plan.underlay() == LabPlan.Underlay.ROUTED) {
      topology.ip(
          plan.routerNamespace(),
          plan.hostList().stream()
              .map(host -> "route add " + subnet(host) + " via " + host.address())
              .toList());
    }
    links.link(topology, containerMtuBytes());
  }

  /** Of the underlay's family, which alone it can be routed over. */
  private String subnet(LabPlan.Host host) {
    return topology.plan().family().underlayIpv6() ? host.subnet6() : host.subnet();
  }

  @Override
  public int containerMtuBytes() {
    return Topology.UNDERLAY_MTU_BYTES;
  }

  @Override
  public int tunnelPort() {
    return 0;
  }

  @Override
  public void close() {}
}
