// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.cli;

import dev.culvert.lab.EtcdServer;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.datapath.LabDatapath;
import picocli.CommandLine.Option;

/** What a lab is to look like. */
public final class LabOptions {
  @Option(
      names = "--hosts",
      paramLabel = "N",
      defaultValue = "2",
      description = "How many hosts (default: ${DEFAULT-VALUE}).")
  private int hosts;

  @Option(
      names = "--containers",
      paramLabel = "N",
      defaultValue = "6",
      description = "How many containers on all hosts together (default: ${DEFAULT-VALUE}).")
  private int containers;

  @Option(
      names = "--datapath",
      paramLabel = "KIND",
      defaultValue = "ebpf",
      description =
          "What joins them: ebpf (Culvert), userspace (Culvert without eBPF), kernel-vxlan (as flannel sets it up) or routes (host-gw,"
              + " known to the router) (default: ${DEFAULT-VALUE}).")
  private LabDatapath.Kind kind;

  @Option(
      names = "--family",
      paramLabel = "FAMILY",
      defaultValue = "dual",
      description =
          "IP families: ipv4, dual (IPv6 inside too) or ipv6 (both inside, over an IPv6 underlay);"
              + " Culvert alone has IPv6 (default: ${DEFAULT-VALUE}).")
  private LabPlan.Family family;

  @Option(
      names = "--store",
      paramLabel = "STORE",
      defaultValue = "directory",
      description =
          "Where agents lease their subnets: directory (which they share) or etcd (a real one, in a"
              + " namespace of its own) (default: ${DEFAULT-VALUE}).")
  private LabPlan.Store store;

  /** Culvert's peers here are set up for IPv4. */
  LabPlan.Family family() {
    return switch (kind) {
      case EBPF, USERSPACE -> family;
      case KERNEL_VXLAN, ROUTES -> LabPlan.Family.IPV4;
    };
  }

  LabPlan plan(LabPlan.Underlay underlay) {
    return new LabPlan(LabPlan.PREFIX, hosts, containers, underlay).with(family()).with(store());
  }

  /** Culvert's peers here lease nothing. */
  private LabPlan.Store store() {
    return switch (kind) {
      case EBPF, USERSPACE -> store;
      case KERNEL_VXLAN, ROUTES -> LabPlan.Store.DIRECTORY;
    };
  }

  /**
   * Refuses what cannot be built here, before anything is.
   *
   * @throws dev.culvert.lab.LabException naming what is missing
   */
  void require() {
    if (store() == LabPlan.Store.ETCD) {
      EtcdServer.require();
    }
  }

  int hosts() {
    return hosts;
  }

  int containers() {
    return containers;
  }

  LabDatapath.Kind kind() {
    return kind;
  }
}
