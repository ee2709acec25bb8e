// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.Gateway;
import dev.culvert.datapath.Identity;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.kernel.RefusedException;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;

/**
 * What a configuration may not change while containers are attached: their addresses, routes and
 * entries are of the VNI, network, subnet length and port that they were attached with. Such a
 * start is refused before anything is changed, so that changing the configuration back undoes it.
 * Pure.
 */
final class FormerSettings {
  private final Identity before;
  private final Datapath.State state;
  private final List<Endpoint> attached;

  private FormerSettings(Identity before, Datapath.State state) {
    this.before = before;
    this.state = state;
    this.attached =
        state.endpoints().stream().filter(endpoint -> endpoint.vni().equals(before.vni())).toList();
  }

  /**
   * Compares with what the datapath was started with before.
   *
   * @param before empty where it never was
   * @throws RefusedException with both values, and what to do
   */
  static void require(
      OverlayConfig config, Datapath datapath, Optional<Identity> before, Datapath.State state) {
    if (before.isPresent()) {
      FormerSettings former = new FormerSettings(before.get(), state);
      if (!former.attached.isEmpty()) {
        former.require(config, datapath);
      }
    }
  }

  private void require(OverlayConfig config, Datapath datapath) {
    same("VNI " + before.vni(), "VNI " + config.vni());
    int then = before.vtep().port();
    int now = config.portOr(datapath.port());
    if (!datapath.takes(then) || !datapath.takes(now)) { // both only while the network changes
      same("port " + then, "port " + now);
    }
    for (Gateway gateway : before.gateways()) {
      if (isUsed(gateway.network())) {
        requireNetwork(gateway.network(), config.networks());
      }
    }
  }

  private void requireNetwork(IpPrefix network, List<OverlayConfig.Network> now) {
    Optional<OverlayConfig.Network> there =
        now.stream().filter(other -> other.prefix().family() == network.family()).findFirst();
    same(
        "network " + network,
        there.map(other -> "network " + other.prefix()).orElse("no network of its IP family"));
    for (LocalSubnet local : state.locals()) {
      Subnet subnet = local.subnet();
      if (subnet.vni().equals(before.vni()) && Prefixes.contains(network, subnet.prefix())) {
        same(
            "subnet length " + subnet.prefix().length(),
            "subnet length " + there.orElseThrow().subnetLength());
      }
    }
  }

  private boolean isUsed(IpPrefix network) {
    return attached.stream()
        .flatMap(endpoint -> endpoint.addresses().stream())
        .anyMatch((InetAddress address) -> network.contains(address));
  }

  private void same(String then, String now) {
    if (!then.equals(now)) {
      int count = attached.size();
      throw new RefusedException(
          (count == 1 ? "A container of this host is" : count + " containers of this host are")
              + " attached with "
              + then
              + ", and the configuration says "
              + now
              + ": nothing was changed; change it back, or leave the overlay, which detaches all"
              + " containers, and start again.");
    }
  }
}
