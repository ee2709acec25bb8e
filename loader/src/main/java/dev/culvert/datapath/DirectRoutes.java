// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import dev.culvert.kernel.NetNamespace;
import dev.culvert.kernel.Netlink;
import dev.culvert.kernel.Netlink.LinkInfo;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Subnets of hosts on the same link, which packets reach as they are: without eBPF that is a route
 * of the kernel. What comes back enters by the underlay interface, which must then forward: that is
 * turned on with the first such route, and off again by {@link #removeAll} where it was off.
 */
final class DirectRoutes {
  private static final Path SETTINGS = Path.of("/proc/sys/net/ipv4/conf");

  private final NetNamespace namespace;
  private final Netlink netlink;
  private final Map<Subnet, NextHop> routes = new HashMap<>();
  private final Set<Integer> turnedOn = new HashSet<>();

  DirectRoutes(NetNamespace namespace, Netlink netlink) {
    this.namespace = namespace;
    this.netlink = netlink;
  }

  void put(RemoteSubnet remote) {
    if (!remote.direct() || remote.nextHop().isEmpty()) {
      remove(remote.subnet());
      return;
    }
    NextHop way = remote.nextHop().get();
    if (remote.subnet().prefix().isIpv4()) {
      forward(way.interfaceIndex());
    }
    netlink.replaceRoute(Routes.via(remote.subnet().prefix(), way.gateway(), way.interfaceIndex()));
    routes.put(remote.subnet(), way);
  }

  private void forward(int interfaceIndex) {
    String name = netlink.link(interfaceIndex).map(LinkInfo::name).orElseThrow();
    if (!forwards(name)) {
      netlink.setIpv4Forwarding(interfaceIndex, true);
      turnedOn.add(interfaceIndex);
    }
  }

  private boolean forwards(String name) {
    return namespace.run(() -> {
      try {
        return Files.readString(SETTINGS.resolve(name).resolve("forwarding")).strip().equals("1");
      } catch (IOException e) {
        throw new UncheckedIOException("Cannot tell whether " + name + " forwards packets", e);
      }
    });
  }

  void remove(Subnet subnet) {
    NextHop way = routes.remove(subnet);
    if (way != null) {
      boolean _ =
          netlink.removeRoute(Routes.via(subnet.prefix(), way.gateway(), way.interfaceIndex()));
    }
  }

  void removeAll() {
    Set.copyOf(routes.keySet()).forEach(this::remove);
    for (LinkInfo link : netlink.links()) {
      if (turnedOn.contains(link.index())) {
        netlink.setIpv4Forwarding(link.index(), false);
      }
    }
    turnedOn.clear();
  }
}
