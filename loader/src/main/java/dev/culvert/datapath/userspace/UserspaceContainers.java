// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import dev.culvert.datapath.Attachment;
import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.TakenException;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.host.ContainerInterface;
import dev.culvert.datapath.host.Fixture;
import dev.culvert.datapath.host.FoundPairs;
import dev.culvert.datapath.host.HostPlan;
import dev.culvert.datapath.host.OwnDevices;
import dev.culvert.datapath.host.Ownership;
import dev.culvert.datapath.host.TakenContainers;
import dev.culvert.datapath.host.Undo;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import java.net.InetAddress;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
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
  private final TakenContainers taken;

  /** By each of their addresses. */
  private final Map<InetAddress, Endpoint> endpoints = new ConcurrentHashMap<>();

  UserspaceContainers(Libc libc, OwnDevices devices, Vni vni) {
    this.libc = libc;
    this.devices = devices;
    this.netlink = devices.netlink();
    this.ownership = devices.ownership();
    this.vni = vni;
    this.taken = new TakenContainers(netlink, ownership);
    FoundPairs.find(netlink, ownership, vni).forEach(this::put); // left by an earlier process
  }

  private Map<Integer, LinkInfo> pairs() {
    return netlink.links().stream()
        .filter(link -> link.kind().equals("veth"))
        .filter(link -> ownership.owns(link) || taken.knows(link.index()))
        .collect(Collectors.toMap(LinkInfo::index, Function.identity()));
  }

  /** All or nothing; see {@link dev.culvert.datapath.Datapath#attach}. */
  Endpoint attach(Attachment attachment, HostPlan plan) {
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
      pair.configure(endpoint, plan, undo);
      put(endpoint);
      undo.commit();
      return endpoint;
    }
  }

  /** See {@link dev.culvert.datapath.Datapath#attached}. */
  Optional<Endpoint> attached(ContainerEnd container) {
    OptionalInt index = ContainerInterface.hostEnd(libc, netlink, container);
    return present().stream()
        .filter(endpoint -> index.isPresent() && endpoint.interfaceIndex() == index.getAsInt())
        .findFirst();
  }

  /** Before it is up: the filter is all that keeps a container to its own address. */
  private void prepare(Endpoint endpoint, Attachment.Address wanted) {
    if (IpFamily.of(wanted.address()) == IpFamily.IPV4) {
      netlink.setStrictReversePath(endpoint.interfaceIndex());
    }
  }

  /** What the pairs that are there should be. */
  List<Fixture> keep(HostPlan plan) {
    Map<Integer, LinkInfo> pairs = pairs();
    return present().stream()
        .flatMap(endpoint ->
            plan
                .container(
                    endpoint,
                    ContainerInterface.hostName(endpoint.vni(), endpoint.address()),
                    taken.alias(pairs.get(endpoint.interfaceIndex())))
                .stream())
        .toList();
  }

  /** The hosts' ends of all that are there. */
  List<BypassRules.Port> ports() {
    return present().stream()
        .map(endpoint ->
            new BypassRules.Port(
                endpoint.interfaceIndex(),
                ContainerInterface.hostName(vni, endpoint.address()).text(),
                endpoint.addresses().stream().map(IpPrefix::of).toList()))
        .toList();
  }

  private void requireFree(Attachment attachment) {
    Map<Integer, LinkInfo> pairs = pairs();
    for (Attachment.Address wanted : attachment.addresses()) {
      Endpoint present = endpoints.get(wanted.address());
      if (present != null && isThere(present, pairs)) {
        throw new TakenException(
            IpAddresses.text(wanted.address())
                + " is attached already, by the interface "
                + ContainerInterface.hostName(vni, present.address())
                + ": detach it first, or choose another address.");
      }
    }
  }

  private static boolean isThere(Endpoint endpoint, Map<Integer, LinkInfo> pairs) {
    return pairs.containsKey(endpoint.interfaceIndex()); // those are ours, whatever MAC they have
  }

  /** The entry of an interface that is there. */
  void put(Endpoint endpoint) {
    endpoint.addresses().forEach(address -> endpoints.put(address, endpoint));
  }

  /** Removes the entry alone, with all of its addresses. */
  void forget(InetAddress address) {
    Endpoint known = endpoints.get(address);
    if (known != null && !isThere(known, pairs())) {
      taken.note(known);
    }
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

  /** See {@link TakenContainers#told}. */
  List<String> taken() {
    return taken.told();
  }

  /** Removes every pair that this instance made. */
  void removeAll() {
    pairs().keySet().forEach(devices::delete);
    endpoints.clear();
  }
}
