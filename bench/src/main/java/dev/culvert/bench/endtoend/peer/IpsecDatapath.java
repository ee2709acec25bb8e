// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend.peer;

import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Topology;
import dev.culvert.lab.datapath.ContainerLinks;
import dev.culvert.lab.datapath.LabDatapath;
import java.util.ArrayList;
import java.util.List;

/**
 * IPsec between the hosts: ESP in tunnel mode with AES-128-GCM, the states and policies that an IKE
 * daemon would install, with keys that are no secret. Routes to the other subnets are needed for
 * the stack to look at its policies at all.
 */
final class IpsecDatapath implements LabDatapath {
  /** ESP with AES-GCM in tunnel mode takes at most 20+8+8+16+2+15 bytes more; rounded up. */
  private static final int OVERHEAD_BYTES = 70;

  private static final String KEY = "0x00112233445566778899aabbccddeeff01020304";

  private final Topology topology;

  IpsecDatapath(Topology topology) {
    this.topology = topology;
  }

  @Override
  public String name() {
    return "ipsec";
  }

  /** A line of ip(8) for one direction. */
  static String state(String from, String to, int spi) {
    return "xfrm state add src %s dst %s proto esp spi %d mode tunnel aead rfc4106(gcm(aes)) %s 128"
        .formatted(from, to, spi, KEY);
  }

  private static String policy(String direction, LabPlan.Host from, LabPlan.Host to) {
    return "xfrm policy add src %s dst %s dir %s tmpl src %s dst %s proto esp mode tunnel"
        .formatted(from.subnet(), to.subnet(), direction, from.address(), to.address());
  }

  /** A number for each ordered pair of hosts. */
  private static int spi(LabPlan.Host from, LabPlan.Host to) {
    return 0x1000 + from.number() * 256 + to.number();
  }

  @Override
  public void up() {
    LabPlan plan = topology.plan();
    for (LabPlan.Host host : plan.hostList()) {
      List<String> lines = new ArrayList<>();
      for (LabPlan.Host other : plan.hostList()) {
        if (other.number() != host.number()) {
          lines.add(state(host.address(), other.address(), spi(host, other)));
          lines.add(state(other.address(), host.address(), spi(other, host)));
          lines.add(policy("out", host, other));
          lines.add(policy("in", other, host));
          lines.add(policy("fwd", other, host));
          lines.add(
              "route add " + other.subnet() + " via " + host.gateway().orElse(other.address()));
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
