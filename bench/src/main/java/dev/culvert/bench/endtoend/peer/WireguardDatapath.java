// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend.peer;

import dev.culvert.lab.Command;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Topology;
import dev.culvert.lab.datapath.ContainerLinks;
import dev.culvert.lab.datapath.LabDatapath;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * WireGuard as flannel's wireguard backend sets it up (flannel, pkg/backend/wireguard): one device,
 * each other host a peer whose allowed addresses are its subnet, and a route to that.
 */
final class WireguardDatapath implements LabDatapath {
  private static final String DEVICE = "flannel-wg";
  private static final int PORT = 51820;
  private static final int OVERHEAD_BYTES = 80;

  private final Topology topology;

  WireguardDatapath(Topology topology) {
    this.topology = topology;
  }

  @Override
  public String name() {
    return "wireguard";
  }

  @Override
  public void up() {
    LabPlan plan = topology.plan();
    Map<Integer, String> publicKeys = new HashMap<>();
    plan.hostList().forEach(host -> publicKeys.put(host.number(), makeDevice(host)));
    for (LabPlan.Host host : plan.hostList()) {
      for (LabPlan.Host other : plan.hostList()) {
        if (other.number() != host.number()) {
          addPeer(host, other, publicKeys.get(other.number()));
        }
      }
    }
    ContainerLinks.BRIDGE.link(topology, containerMtuBytes());
  }

  /**
   * @return its public key
   */
  private String makeDevice(LabPlan.Host host) {
    topology.ip(
        host.namespace(),
        List.of(
            "link add %s mtu %d type wireguard".formatted(DEVICE, containerMtuBytes()),
            "address add " + host.subnetZero() + "/32 dev " + DEVICE));
    String privateKey = topology.shell().output(Command.of("wg", "genkey"));
    topology
        .shell()
        .check(
            Command.of(
                    "wg",
                    "set",
                    DEVICE,
                    "listen-port",
                    Integer.toString(PORT),
                    "private-key",
                    "/dev/stdin")
                .in(host.namespace())
                .reading(privateKey));
    topology.ip(host.namespace(), List.of("link set " + DEVICE + " up"));
    return topology.shell().output(Command.of("wg", "pubkey").reading(privateKey)).strip();
  }

  private void addPeer(LabPlan.Host host, LabPlan.Host other, String publicKey) {
    topology
        .shell()
        .check(
            Command.of(
                    "wg",
                    "set",
                    DEVICE,
                    "peer",
                    publicKey,
                    "endpoint",
                    other.address() + ":" + PORT,
                    "allowed-ips",
                    other.subnet() + "," + other.subnetZero() + "/32")
                .in(host.namespace()));
    topology.ip(host.namespace(), List.of("route add " + other.subnet() + " dev " + DEVICE));
  }

  @Override
  public int containerMtuBytes() {
    return Topology.UNDERLAY_MTU_BYTES - OVERHEAD_BYTES;
  }

  @Override
  public int tunnelPort() {
    return PORT;
  }

  @Override
  public void close() {}
}
