// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.Netlink;
import dev.culvert.kernel.Netlink.LinkInfo;
import dev.culvert.kernel.Netlink.RouteInfo;
import java.net.InetAddress;
import java.util.ArrayList;
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
 * is read back from the interfaces and their routes alone.
 */
final class UserspaceContainers {
  private final Libc libc;
  private final Netlink netlink;
  private final Ownership ownership;
  private final Vni vni;
  private final Map<InetAddress, Endpoint> endpoints = new ConcurrentHashMap<>();

  UserspaceContainers(Libc libc, Netlink netlink, Ownership ownership, Vni vni) {
    this.libc = libc;
    this.netlink = netlink;
    this.ownership = ownership;
    this.vni = vni;
    recover();
  }

  /** Finds what an earlier process left: a pair of ours and the route to its container. */
  private void recover() {
    Map<Integer, LinkInfo> pairs = pairs();
    for (RouteInfo route : netlink.routes()) {
      LinkInfo pair = pairs.get(route.interfaceIndex());
      InetAddress address = route.destination();
      if (pair != null
          && route.prefixLength() == address.getAddress().length * 8
          && pair.name().equals(ContainerInterface.hostName(vni, address))) {
        endpoints.put(
            address,
            new Endpoint(
                vni,
                address,
                pair.index(),
                true,
                ContainerInterface.mac(vni, address),
                MacAddress.of(pair.mac())));
      }
    }
  }

  private Map<Integer, LinkInfo> pairs() {
    return netlink.links().stream()
        .filter(link -> link.kind().equals("veth") && ownership.owns(link))
        .collect(Collectors.toMap(LinkInfo::index, Function.identity()));
  }

  /** All or nothing; see {@link Datapath#attach}. */
  Endpoint attach(Attachment attachment, IpPrefix network) {
    if (!attachment.vni().equals(vni)) {
      throw new IllegalArgumentException(
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
      if (Layouts.isIpv4(attachment.address())) {
        netlink.setStrictReversePath(endpoint.interfaceIndex());
        netlink.setIpv4Forwarding(endpoint.interfaceIndex(), true);
      }
      // The kernel drops routes whose source address is gone, and the TUN device dies with us: so
      // the gateway's address is here too, and containers of this host reach each other meanwhile.
      InetAddress gateway = attachment.gateway();
      netlink.addAddress(endpoint.interfaceIndex(), gateway, gateway.getAddress().length * 8);
      pair.configure(endpoint, network, undo);
      endpoints.put(endpoint.address(), endpoint);
      undo.commit();
      return endpoint;
    }
  }

  private void requireFree(Attachment attachment) {
    Endpoint present = endpoints.get(attachment.address());
    if (present != null && isThere(present, pairs())) {
      throw new IllegalArgumentException(
          attachment.address().getHostAddress()
              + " is attached already, by the interface "
              + ContainerInterface.hostName(vni, attachment.address())
              + ": detach it first, or choose another address.");
    }
  }

  private static boolean isThere(Endpoint endpoint, Map<Integer, LinkInfo> pairs) {
    LinkInfo pair = pairs.get(endpoint.interfaceIndex());
    return pair != null && java.util.Arrays.equals(pair.mac(), endpoint.hostMac().toBytes());
  }

  /** The entry of an interface that is there. */
  void put(Endpoint endpoint) {
    endpoints.put(endpoint.address(), endpoint);
  }

  /** Removes the entry alone. */
  void forget(InetAddress address) {
    endpoints.remove(address);
  }

  void detach(InetAddress address) {
    endpoints.remove(address);
    Optional<LinkInfo> device =
        netlink.link(ContainerInterface.hostName(vni, address)).filter(ownership::owns);
    device.ifPresent(this::delete);
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
    List<Endpoint> all = new ArrayList<>(list);
    all.sort(Comparator.comparing(e -> Routes.host(e.address())));
    return List.copyOf(all);
  }

  /** Removes every pair that this instance made. */
  void removeAll() {
    pairs().values().forEach(this::delete);
    endpoints.clear();
  }

  private void delete(LinkInfo device) {
    try {
      netlink.deleteLink(device.index());
    } catch (KernelException e) {
      if (e.errno() != Errno.ENODEV) { // It went away meanwhile, with its namespace perhaps.
        throw e;
      }
    }
  }
}
