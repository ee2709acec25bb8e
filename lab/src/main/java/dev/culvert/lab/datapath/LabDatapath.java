// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.datapath;

import dev.culvert.lab.Lab;
import dev.culvert.lab.Topology;
import java.util.Map;

/** Joins the containers of a topology. */
public interface LabDatapath extends AutoCloseable {
  /** What it is called in tables. */
  String name();

  /** Joins hosts and containers; returns when packets can flow. */
  void up();

  /** The largest packet that a container may send. */
  int containerMtuBytes();

  /** UDP port of the tunnel; 0 when nothing is encapsulated. */
  int tunnelPort();

  /** Stops what runs for it. Namespaces and all inside them are the topology's to remove. */
  @Override
  void close();

  /** Which one, as on the command line. */
  enum Kind {
    EBPF("ebpf"),
    USERSPACE("userspace"),
    KERNEL_VXLAN("kernel-vxlan"),
    ROUTES("routes");

    private final String text;

    Kind(String text) {
      this.text = text;
    }

    /** One of this kind for a topology, not up yet. */
    public LabDatapath over(Lab lab, Topology topology) {
      return switch (this) {
        case ROUTES -> new RoutesDatapath(topology, true, ContainerLinks.BRIDGE);
        case KERNEL_VXLAN -> new KernelVxlanDatapath(topology, ContainerLinks.BRIDGE);
        case EBPF -> new CulvertDatapath(lab, topology);
        case USERSPACE -> new CulvertDatapath(lab, topology, Map.of("datapath", "userspace"));
      };
    }

    @Override
    public String toString() {
      return text;
    }
  }
}
