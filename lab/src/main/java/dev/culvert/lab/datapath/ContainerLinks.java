// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.datapath;

import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Topology;

/** How those that are not Culvert give containers an interface. */
public enum ContainerLinks {
  /**
   * All containers of a host on a bridge of its own, cni0, as flannel has it: its CNI plugin hands
   * on to the plugin "bridge", by its default configuration with isDefaultGateway and hairpinMode
   * (flannel-io/cni-plugin; flannel, Documentation/kube-flannel.yml).
   */
  BRIDGE,
  /** Each by a veth pair and a route for its address alone, without a bridge, as Calico has it. */
  VETH;

  /** Links all containers of a topology. */
  public void link(Topology topology, int mtuBytes) {
    LabPlan plan = topology.plan();
    if (this == VETH) {
      plan.containerList().forEach(container -> topology.linkContainer(container, mtuBytes));
    } else {
      plan.hostList().forEach(host -> topology.bridgeContainers(host, mtuBytes));
    }
  }
}
