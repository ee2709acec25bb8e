// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.Gateway;
import dev.culvert.datapath.IpFamily;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import java.lang.System.Logger.Level;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * With {@code arp_ignore} 1 or 2 (kube-proxy sets it on all interfaces) the host answers no
 * container that asks for its gateway. Containers are told beforehand when they are attached; those
 * that an earlier version attached are told as soon as the setting is there. Owned by one thread.
 */
public final class GatewayNeighbours {
  private static final System.Logger LOG = System.getLogger(GatewayNeighbours.class.getName());

  private final Libc libc;
  private final Netlink netlink;

  /** By the host's end. */
  private final Set<Integer> done = new HashSet<>();

  public GatewayNeighbours(Libc libc, Netlink netlink) {
    this.libc = libc;
    this.netlink = netlink;
  }

  /**
   * Introduces the gateway to each container once, where the host would not answer.
   *
   * @param endpoints that are there, with their containers where they are known
   */
  public void introduce(List<Endpoint> endpoints, List<Gateway> gateways) {
    List<Endpoint> left =
        endpoints.stream().filter(e -> !done.contains(e.interfaceIndex())).toList();
    for (Endpoint endpoint : ignored(left)) {
      done.add(endpoint.interfaceIndex());
      for (Gateway gateway : gateways) {
        if (IpFamily.of(gateway.address()) == IpFamily.IPV4) {
          introduce(endpoint, gateway);
        }
      }
    }
  }

  /** Those whose question for their gateway the host would not answer. */
  private List<Endpoint> ignored(List<Endpoint> endpoints) {
    if (endpoints.isEmpty()) {
      return List.of();
    }
    Map<Integer, String> names =
        netlink.links().stream().collect(Collectors.toMap(LinkInfo::index, LinkInfo::name));
    return netlink
        .namespace()
        .run(() -> {
          boolean all = DeviceSettings.number("all", "arp_ignore") > 0;
          return endpoints.stream()
              .filter(endpoint -> names.containsKey(endpoint.interfaceIndex()))
              .filter(endpoint ->
                  all
                      || DeviceSettings.number(names.get(endpoint.interfaceIndex()), "arp_ignore")
                          > 0)
              .toList();
        });
  }

  private void introduce(Endpoint endpoint, Gateway gateway) {
    String container = endpoint.container().map(Object::toString).orElse("a container");
    try {
      boolean there =
          endpoint.container().isPresent()
              && ContainerInterface.introduce(libc, netlink, endpoint, gateway.address());
      LOG.log(
          there ? Level.INFO : Level.WARNING,
          there
              ? "The host answers no ARP (arp_ignore): {0} knows its gateway now."
              : "The host answers no ARP (arp_ignore), and {0} is not where it was attached: if an"
                  + " earlier version attached it, attach it anew.",
          container);
    } catch (RefusedException | KernelException gone) {
      LOG.log(
          Level.WARNING,
          "The host answers no ARP (arp_ignore), and {0} cannot be told its gateway: {1}",
          container,
          gone.getMessage());
    }
  }
}
