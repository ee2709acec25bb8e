// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.Attachment;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.host.ContainerInterface;
import dev.culvert.datapath.host.Headroom;
import dev.culvert.datapath.host.OwnDevices;
import dev.culvert.datapath.host.Ownership;
import dev.culvert.datapath.host.Undo;
import dev.culvert.datapath.table.EndpointTable;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.Netlink;
import dev.culvert.kernel.Netlink.LinkInfo;
import dev.culvert.kernel.RefusedException;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Brings containers into the overlay, one interface each, and takes them out again. Interface and
 * pin are named after the first of its addresses.
 */
final class Containers {
  private final Libc libc;
  private final Netlink netlink;
  private final Ownership ownership;
  private final EndpointTable table;
  private final ContainerLinks links;
  private final OwnDevices own;
  private final Headroom headroom;

  Containers(
      Libc libc, Netlink netlink, Ownership ownership, EndpointTable table, PinnedLinks links) {
    this.own = new OwnDevices(netlink, ownership);
    this.headroom = new Headroom(netlink, own);
    this.libc = libc;
    this.netlink = netlink;
    this.ownership = ownership;
    this.table = table;
    this.links = new ContainerLinks(links);
  }

  /** The host's devices at one moment. */
  record Devices(Map<Integer, LinkInfo> byIndex) {
    /** Whether the endpoint's device is there: an index alone may have been given away again. */
    boolean has(Endpoint endpoint) {
      LinkInfo link = byIndex.get(endpoint.interfaceIndex());
      return link != null && Arrays.equals(link.mac(), endpoint.hostMac().toBytes());
    }
  }

  Devices devices() {
    return new Devices(
        netlink.links().stream().collect(Collectors.toMap(LinkInfo::index, Function.identity())));
  }

  /** All or nothing; see {@link dev.culvert.datapath.Datapath#attach}. */
  Endpoint attach(Attachment attachment, List<IpPrefix> networks, ContainerLinks.Pair programs) {
    requireFree(attachment);
    String linkWhere = ContainerInterface.hostName(attachment.vni(), attachment.address());
    try (ContainerInterface pair = ContainerInterface.open(libc, netlink, attachment);
        Undo undo = new Undo()) {
      Endpoint endpoint = pair.create(ownership, undo);
      headroom.lend(endpoint.interfaceIndex());
      // What it may send is known and checked before it can send anything ...
      allow(endpoint);
      undo.push(() -> table.forbid(endpoint.interfaceIndex()));
      links.attach(linkWhere, programs, endpoint.interfaceIndex(), undo);
      pair.configure(endpoint, networks, undo);
      // ... and others reach it only when it can answer.
      table.put(endpoint);
      undo.commit();
      return endpoint;
    }
  }

  private void requireFree(Attachment attachment) {
    for (Attachment.Address wanted : attachment.addresses()) {
      table.requireOneNetwork(attachment.vni(), wanted.address());
      Optional<Endpoint> present = table.get(attachment.vni(), wanted.address());
      if (present.isEmpty()) {
        continue;
      }
      if (devices().has(present.get())) {
        throw new RefusedException(
            IpAddresses.text(wanted.address())
                + " is attached already, by the interface "
                + ContainerInterface.hostName(attachment.vni(), present.get().address())
                + ": detach it first, or choose another address.");
      }
      forget(present.get());
    }
  }

  /** Removes device and entries; see {@link dev.culvert.datapath.Datapath#detach}. */
  void detach(Vni vni, InetAddress address) {
    Optional<Endpoint> endpoint = table.get(vni, address);
    endpoint.ifPresent(table::remove);
    InetAddress known = endpoint.map(Endpoint::address).orElse(address);
    netlink
        .link(ContainerInterface.hostName(vni, known))
        .filter(ownership::owns)
        .ifPresent(device -> own.delete(device.index()));
    forgetLink(vni, known);
    endpoint.ifPresent(e -> forbid(e.interfaceIndex()));
  }

  /** The entries of an interface that is there; the interface itself is left as it is. */
  void put(Endpoint endpoint) {
    allow(endpoint);
    table.put(endpoint);
  }

  private void allow(Endpoint endpoint) {
    table.allowEndpoint(endpoint, headroom.lentTo(endpoint.interfaceIndex()));
  }

  /** Removes the entries alone. */
  void forget(Vni vni, InetAddress address) {
    table.get(vni, address).ifPresent(this::forget);
  }

  private void forget(Endpoint endpoint) {
    table.remove(endpoint);
    forbid(endpoint.interfaceIndex());
    if (!devices().has(endpoint)) {
      forgetLink(endpoint.vni(), endpoint.address());
    }
  }

  private void forgetLink(Vni vni, InetAddress address) {
    links.detach(ContainerInterface.hostName(vni, address));
  }

  private void forbid(int interfaceIndex) {
    table.forbid(interfaceIndex);
  }

  /** Entries without a device, and pairs without an entry (an agent died in the middle). */
  List<Endpoint> dropVanished() {
    Devices devices = devices();
    List<Endpoint> gone = new ArrayList<>();
    for (Endpoint endpoint : table.read()) {
      if (!devices.has(endpoint)) {
        forget(endpoint);
        gone.add(endpoint);
      }
    }
    for (int index : table.interfaceIndexes()) {
      if (!devices.byIndex().containsKey(index)) {
        forbid(index);
      }
    }
    Set<Integer> known =
        table.read().stream().map(Endpoint::interfaceIndex).collect(Collectors.toSet());
    for (LinkInfo device : devices.byIndex().values()) {
      if (device.kind().equals("veth")
          && ownership.owns(device)
          && !known.contains(device.index())) {
        own.delete(device.index());
      }
    }
    return gone;
  }
}
