// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import dev.culvert.datapath.Attachment;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.host.ContainerInterface;
import dev.culvert.datapath.host.Forwarding;
import dev.culvert.datapath.host.OwnDevices;
import dev.culvert.datapath.host.Ownership;
import dev.culvert.datapath.host.Undo;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.Netlink;
import dev.culvert.kernel.Netlink.LinkInfo;
import dev.culvert.kernel.Netlink.RouteInfo;
import dev.culvert.kernel.RefusedException;
import java.net.InetAddress;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The containers of a host without eBPF: the same veth pairs, addresses and routes, but the kernel
 * forwards, and its reverse path filter keeps each container to its own IPv4 address. What is there
 * is read back from the interfaces and their routes alone. Interfaces are named after the first of
 * their addresses.
 */
final class UserspaceContainers {
  private final Libc libc;
  private final Netlink netlink;
  private final Ownership ownership;
  private final OwnDevices devices;
  private final Vni vni;
  private final Forwarding forwarding;

  /** By each of their addresses. */
  private final Map<InetAddress, Endpoint> endpoints = new ConcurrentHashMap<>();

  UserspaceContainers(
      Libc libc, Netlink netlink, Ownership ownership, Vni vni, Forwarding forwarding) {
    this.libc = libc;
    this.netlink = netlink;
    this.ownership = ownership;
    this.devices = new OwnDevices(netlink, ownership);
    this.vni = vni;
    this.forwarding = forwarding;
    recover();
  }

  /** Finds what an earlier process left: pairs of ours and the routes to their containers. */
  private void recover() {
    Map<Integer, LinkInfo> pairs = pairs();
    Map<Integer, List<InetAddress>> routed =
        netlink.routes().stream()
            .filter(route -> pairs.containsKey(route.interfaceIndex()) && isToContainer(route))
            .collect(
                Collectors.groupingBy(
                    RouteInfo::interfaceIndex,
                    Collectors.mapping(RouteInfo::destination, Collectors.toList())));
    routed.forEach((index, addresses) -> recover(pairs.get(index), addresses));
  }

  /** The kernel itself has routes to the gateways' addresses there. */
  private static boolean isToContainer(RouteInfo route) {
    return route.protocol() == Netlink.ROUTE_PROTOCOL
        && route.prefixLength() == IpPrefix.of(route.destination()).length();
  }

  private void recover(LinkInfo pair, List<InetAddress> addresses) {
    InetAddress first = IpFamily.sorted(addresses, Function.identity()).getFirst();
    if (pair.name().equals(ContainerInterface.hostName(vni, first))) {
      put(
          new Endpoint(
              vni,
              addresses,
              pair.index(),
              true,
              ContainerInterface.mac(vni, first),
              MacAddress.of(pair.mac())));
    }
  }

  private Map<Integer, LinkInfo> pairs() {
    return netlink.links().stream()
        .filter(link -> link.kind().equals("veth") && ownership.owns(link))
        .collect(Collectors.toMap(LinkInfo::index, Function.identity()));
  }

  /** All or nothing; see {@link dev.culvert.datapath.Datapath#attach}. */
  Endpoint attach(Attachment attachment, List<IpPrefix> networks) {
    if (!attachment.vni().equals(vni)) {
      throw new RefusedException(
          "This host carries VNI "
              + vni
              + " in userspace, and no other: VNI "
              + attachment.vni()
              + " needs \"datapath: ebpf\".");
    }
    requireFree(attachment);
    try (ContainerInterface pair = ContainerInterface.open(libc, netlink, attachment);
        Undo undo = new Undo()) {
      Endpoint endpoint = pair.create(ownership, undo);
      attachment.addresses().forEach(address -> prepare(endpoint, address));
      pair.configure(endpoint, networks, undo);
      letForward(endpoint);
      put(endpoint);
      undo.commit();
      return endpoint;
    }
  }

  private void prepare(Endpoint endpoint, Attachment.Address wanted) {
    if (IpFamily.of(wanted.address()) == IpFamily.IPV4) {
      netlink.setStrictReversePath(endpoint.interfaceIndex());
      // The kernel drops routes whose source address is gone, and the TUN device dies with us: so
      // the gateway's address is here too, and containers of this host reach each other meanwhile.
      // IPv6 has it there anyway.
      netlink.addAddress(
          endpoint.interfaceIndex(), wanted.gateway(), IpPrefix.of(wanted.gateway()).length());
    }
  }

  /** Once the pair is configured, since IPv6 may have been off there. */
  private void letForward(Endpoint endpoint) {
    LinkInfo here = netlink.link(endpoint.interfaceIndex()).orElseThrow();
    endpoint.addresses().forEach(address -> forwarding.turn(here, IpFamily.of(address), true));
  }

  private void requireFree(Attachment attachment) {
    Map<Integer, LinkInfo> pairs = pairs();
    for (Attachment.Address wanted : attachment.addresses()) {
      Endpoint present = endpoints.get(wanted.address());
      if (present != null && isThere(present, pairs)) {
        throw new RefusedException(
            IpAddresses.text(wanted.address())
                + " is attached already, by the interface "
                + ContainerInterface.hostName(vni, present.address())
                + ": detach it first, or choose another address.");
      }
    }
  }

  private static boolean isThere(Endpoint endpoint, Map<Integer, LinkInfo> pairs) {
    LinkInfo pair = pairs.get(endpoint.interfaceIndex());
    return pair != null && java.util.Arrays.equals(pair.mac(), endpoint.hostMac().toBytes());
  }

  /** The entry of an interface that is there. */
  void put(Endpoint endpoint) {
    endpoint.addresses().forEach(address -> endpoints.put(address, endpoint));
  }

  /** Removes the entry alone, with all of its addresses. */
  void forget(InetAddress address) {
    Endpoint known = endpoints.get(address);
    endpoints.values().removeIf(endpoint -> endpoint.equals(known));
  }

  /**
   * Removes entry and interface.
   *
   * @param address any of its addresses
   */
  void detach(InetAddress address) {
    InetAddress first =
        Optional.ofNullable(endpoints.get(address)).map(Endpoint::address).orElse(address);
    forget(address);
    Optional<LinkInfo> device =
        netlink.link(ContainerInterface.hostName(vni, first)).filter(ownership::owns);
    device.map(LinkInfo::index).ifPresent(devices::delete);
  }

  /** Endpoints whose interface is there. */
  List<Endpoint> present() {
    Map<Integer, LinkInfo> pairs = pairs();
    return sorted(endpoints.values().stream().filter(e -> isThere(e, pairs)).toList());
  }

  /** Endpoints whose interface is gone. */
  List<Endpoint> vanished() {
    Map<Integer, LinkInfo> pairs = pairs();
    return sorted(endpoints.values().stream().filter(e -> !isThere(e, pairs)).toList());
  }

  private static List<Endpoint> sorted(List<Endpoint> list) {
    return list.stream()
        .distinct()
        .sorted(Comparator.comparing(e -> IpPrefix.of(e.address())))
        .toList();
  }

  /** Removes every pair that this instance made. */
  void removeAll() {
    pairs().keySet().forEach(devices::delete);
    endpoints.clear();
  }
}
