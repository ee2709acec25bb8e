// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.datapath;

import dev.culvert.lab.Command;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Topology;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The kernel's VXLAN device as flannel's vxlan backend sets it up (flannel, pkg/backend/vxlan): for
 * each other host a permanent ARP entry, a permanent FDB entry and an on-link route.
 */
public final class KernelVxlanDatapath implements LabDatapath {
  /** What flannel calls it for VNI 1. */
  public static final String DEVICE = "flannel.1";

  private static final int PORT = 8472;
  private static final String DEVICE6 = "flannel-v6.1";

  private final Topology topology;
  private final ContainerLinks links;

  public KernelVxlanDatapath(Topology topology, ContainerLinks links) {
    this.topology = topology;
    this.links = links;
  }

  @Override
  public String name() {
    return "kernel-vxlan";
  }

  @Override
  public void up() {
    topology.plan().hostList().forEach(this::upHost);
    links.link(topology, containerMtuBytes());
  }

  private void upHost(LabPlan.Host host) {
    List<String> ip = new ArrayList<>();
    List<String> fdb = new ArrayList<>();
    ip.add(
        "link add %s address %s mtu %d type vxlan id 1 dev eth0 local %s dstport %d nolearning"
            .formatted(device(), mac(host), containerMtuBytes(), host.address(), PORT));
    ip.add("address add " + zero(host) + (ipv6() ? "/128" : "/32") + " dev " + device());
    ip.add("link set " + device() + " up");
    for (LabPlan.Host other : topology.plan().hostList()) {
      if (other.number() == host.number()) {
        continue;
      }
      ip.add(
          "neighbour add %s lladdr %s dev %s nud permanent"
              .formatted(zero(other), mac(other), device()));
      ip.add(
          "route add %s via %s dev %s onlink"
              .formatted(ipv6() ? other.subnet6() : other.subnet(), zero(other), device()));
      fdb.add(
          "fdb add %s dev %s dst %s self permanent\n"
              .formatted(mac(other), device(), other.address()));
    }
    topology.ip(host.namespace(), ip);
    topology
        .shell()
        .check(
            Command.of("bridge", "-batch", "-")
                .in(host.namespace())
                .reading(fdb.stream().collect(Collectors.joining())));
  }

  /** Over an IPv6 underlay flannel has another device, for IPv6 subnets alone. */
  private boolean ipv6() {
    return topology.plan().family().underlayIpv6();
  }

  private String device() {
    return ipv6() ? DEVICE6 : DEVICE;
  }

  private String zero(LabPlan.Host host) {
    return ipv6() ? host.subnetZero6() : host.subnetZero();
  }

  private static String mac(LabPlan.Host host) {
    return "02:c0:00:00:00:%02x".formatted(host.number());
  }

  @Override
  public int containerMtuBytes() {
    return Topology.UNDERLAY_MTU_BYTES - topology.plan().family().underlay().overheadBytes();
  }

  @Override
  public int tunnelPort() {
    return PORT;
  }

  @Override
  public void close() {}
}
