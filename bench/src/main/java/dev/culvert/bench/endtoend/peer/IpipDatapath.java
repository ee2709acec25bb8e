// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend.peer;

import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Topology;
import dev.culvert.lab.datapath.ContainerLinks;
import dev.culvert.lab.datapath.LabDatapath;
import java.util.ArrayList;
import java.util.List;

/**
 * IP in IP as flannel's ipip backend sets it up (flannel, pkg/backend/ipip): one device without a
 * remote end, and for each other host an on-link route through its underlay address.
 */
final class IpipDatapath implements LabDatapath {
  private static final String DEVICE = "flannel.ipip";
  private static final int OVERHEAD_BYTES = 20;

  private final Topology topology;

  IpipDatapath(Topology topology) {
    this.topology = topology;
  }

  @Override
  public String name() {
    return "ipip";
  }

  @Override
  public void up() {
    LabPlan plan = topology.plan();
    for (LabPlan.Host host : plan.hostList()) {
      List<String> lines = new ArrayList<>();
      lines.add(
          "link add %s mtu %d type ipip local %s remote any"
              .formatted(DEVICE, containerMtuBytes(), host.address()));
      lines.add("address add " + host.subnetZero() + "/32 dev " + DEVICE);
      lines.add("link set " + DEVICE + " up");
      for (LabPlan.Host other : plan.hostList()) {
        if (other.number() != host.number()) {
          lines.add(
              "route add %s via %s dev %s onlink"
                  .formatted(other.subnet(), other.address(), DEVICE));
        }
      }
      topology.ip(host.namespace(), lines);
    }
    ContainerLinks.BRIDGE.link(topology, containerMtuBytes());
  }

  @Override
  public int containerMtuBytes() {
    return Topology.UNDERLAY_MTU_BYTES - OVERHEAD_BYTES;
  }

  @Override
  public int tunnelPort() {
    return 0;
  }

  @Override
  public void close() {}
}
