// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.ExistingInterface;
import dev.culvert.datapath.Gateway;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.NoSuchContainerException;
import dev.culvert.datapath.OutsideSubnetException;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.TakenException;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.host.ContainerInterface;
import dev.culvert.datapath.host.Undo;
import dev.culvert.datapath.table.EndpointTable;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.kernel.netlink.AddressInfo;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Brings containers into the overlay whose interface somebody else made, such as a CNI plugin. A
 * program on the host's end and two entries are all; no device, address or route is touched, and
 * detaching leaves none of it behind.
 */
final class ForeignContainers {
  private final Libc libc;
  private final Netlink netlink;
  private final EndpointTable table;
  private final ContainerLinks links;

  ForeignContainers(Libc libc, Netlink netlink, EndpointTable table, PinnedLinks links) {
    this.libc = libc;
    this.netlink = netlink;
    this.table = table;
    this.links = new ContainerLinks(links);
  }

  /** Both ends of the pair, and the container's address of each IP family. */
  private record Pair(LinkInfo host, LinkInfo container, List<InetAddress> addresses) {}

  /** All or nothing; see {@link dev.culvert.datapath.Datapath#attachExisting}. */
  Endpoint attach(ExistingInterface wish, List<Gateway> gateways, ContainerLinks.Pair programs) {
    Pair pair = find(wish);
    Vni vni = wish.vni();
    requireFree(vni, pair, gateways);
    Endpoint endpoint =
        new Endpoint(
                vni,
                pair.addresses(),
                MacAddress.of(pair.container().mac()),
                new Endpoint.HostEnd(pair.host().index(), MacAddress.of(pair.host().mac()), true))
            .withContainer(Optional.of(wish.container()));
    String where = Containers.where(endpoint);
    try (Undo undo = new Undo()) {
      table.allowEndpoint(endpoint);
      undo.push(() -> table.forbid(endpoint.interfaceIndex()));
      links.attach(where, programs, endpoint.interfaceIndex(), undo);
      links.note(where, wish.container(), undo);
      table.put(endpoint);
      undo.commit();
    }
    return endpoint;
  }

  private Pair find(ExistingInterface wish) {
    InterfaceName name = wish.interfaceName();
    try (NetNamespace namespace = ContainerInterface.openContainer(libc, netlink, wish.netns());
        Netlink inside = Netlink.open(libc, namespace)) {
      LinkInfo container =
          inside
              .link(name)
              .orElseThrow(() ->
                  new NoSuchContainerException(
                      "The namespace "
                          + wish.netns()
                          + " has no interface "
                          + name
                          + ", only "
                          + inside.links().stream()
                              .map(LinkInfo::name)
                              .collect(Collectors.joining(", "))
                          + "."));
      if (!container.kind().equals("veth")) {
        throw new RefusedException(
            name
                + " of "
                + wish.netns()
                + " is no veth, so it has no end on this host to attach to; let culvert attach make"
                + " one of its own under another name.");
      }
      LinkInfo host = hostEnd(container, wish);
      return new Pair(host, container, addresses(inside.addresses(), container, wish));
    }
  }

  private LinkInfo hostEnd(LinkInfo container, ExistingInterface wish) {
    LinkInfo host =
        netlink
            .link(container.peerIndex())
            .filter(link -> link.kind().equals("veth"))
            .filter(link -> link.peerIndex() == container.index())
            .orElseThrow(() ->
                new RefusedException(
                    "The other end of "
                        + container.name()
                        + " of "
                        + wish.netns()
                        + " is not in this host's network namespace."));
    if (host.masterIndex() != 0) {
      String bridge =
          netlink
              .link(host.masterIndex())
              .map(LinkInfo::name)
              .orElse("of index " + host.masterIndex());
      throw new RefusedException(
          host.name()
              + " is in the bridge "
              + bridge
              + ", which takes its packets: attach that instead (culvert attach --bridge "
              + bridge
              + ").");
    }
    return host;
  }

  /** One in each subnet, or in some; never two in one. */
  private static List<InetAddress> addresses(
      List<AddressInfo> all, LinkInfo container, ExistingInterface wish) {
    List<IpPrefix> subnets = wish.subnets().stream().map(Subnet::prefix).toList();
    List<InetAddress> own =
        all.stream()
            .filter(address -> address.interfaceIndex() == container.index())
            .map(AddressInfo::address)
            .filter(address -> !address.isLinkLocalAddress())
            .toList();
    List<InetAddress> fitting =
        own.stream()
            .filter(address -> subnets.stream().anyMatch(subnet -> subnet.contains(address)))
            .toList();
    long families = fitting.stream().map(IpFamily::of).distinct().count();
    if (!fitting.isEmpty() && families == fitting.size()) {
      return fitting;
    }
    String has =
        own.isEmpty()
            ? "no address"
            : own.stream().map(IpAddresses::text).collect(Collectors.joining(", "));
    throw new OutsideSubnetException(
        container.name()
            + " of "
            + wish.netns()
            + " has "
            + has
            + ", and needs exactly one address in this host's subnet "
            + subnets.stream().map(IpPrefix::toString).collect(Collectors.joining(" or one in "))
            + ": whoever gives out its addresses should take them from there.");
  }

  private void requireFree(Vni vni, Pair pair, List<Gateway> gateways) {
    for (InetAddress address : pair.addresses()) {
      String shown = IpAddresses.text(address);
      if (gateways.stream().anyMatch(gateway -> gateway.address().equals(address))) {
        throw new TakenException(
            "The address "
                + shown
                + " is this host's own gateway address: give the container another.");
      }
      table.requireOneNetwork(vni, address);
      if (table.get(vni, address).isPresent()) {
        throw new TakenException(
            shown + " is attached already: detach it first (culvert detach " + shown + ").");
      }
    }
  }
}
