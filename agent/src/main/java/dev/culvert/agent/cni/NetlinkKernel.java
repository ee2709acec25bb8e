// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cni;

import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.host.ContainerInterface;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.kernel.netlink.AddressInfo;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import dev.culvert.kernel.netlink.RouteInfo;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** By netlink, in this process's network namespace and in containers'. */
public final class NetlinkKernel implements Kernel {
  private final Libc libc;

  public NetlinkKernel(Libc libc) {
    this.libc = libc;
  }

  @Override
  public Optional<Sandbox> look(Path netns, InterfaceName interfaceName) {
    try (NetNamespace namespace = ContainerInterface.openNamespace(libc, netns);
        Netlink inside = Netlink.open(libc, namespace)) {
      return inside.link(interfaceName).map(link -> sandbox(inside, link));
    }
  }

  private static Sandbox sandbox(Netlink inside, LinkInfo link) {
    List<InetAddress> addresses =
        inside.addresses().stream()
            .filter(address -> address.interfaceIndex() == link.index())
            .map(AddressInfo::address)
            .toList();
    List<Sandbox.Route> routes =
        inside.routes().all().stream()
            .filter(route -> route.interfaceIndex() == link.index())
            .filter(route -> route.table() == RouteInfo.TABLE_MAIN)
            .filter(route -> route.gateway().isPresent())
            .map(route ->
                new Sandbox.Route(
                    new IpPrefix(route.destination(), route.prefixLength()), route.gateway().get()))
            .toList();
    return new Sandbox(
        MacAddress.of(link.mac()), link.mtuBytes(), link.up(), link.peerIndex(), addresses, routes);
  }

  @Override
  public Optional<HostEnd> hostEnd(int interfaceIndex) {
    try (Netlink host = Netlink.open(libc)) {
      return host.link(interfaceIndex).map(link -> new HostEnd(link.name(), link.mtuBytes()));
    }
  }
}
