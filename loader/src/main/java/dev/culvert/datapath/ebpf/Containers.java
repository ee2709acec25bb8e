// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.Attachment;
import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.TakenException;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.host.ContainerInterface;
import dev.culvert.datapath.host.Fixture;
import dev.culvert.datapath.host.FoundPairs;
import dev.culvert.datapath.host.Headroom;
import dev.culvert.datapath.host.HostPlan;
import dev.culvert.datapath.host.OwnDevices;
import dev.culvert.datapath.host.Ownership;
import dev.culvert.datapath.host.TakenContainers;
import dev.culvert.datapath.host.Undo;
import dev.culvert.datapath.table.EndpointTable;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
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

  private final TakenContainers taken;

  Containers(Libc libc, OwnDevices own, EndpointTable table, PinnedLinks links) {
    this.libc = libc;
    this.own = own;
    this.netlink = own.netlink();
    this.ownership = own.ownership();
    this.taken = new TakenContainers(netlink, ownership);
    this.headroom = new Headroom(netlink, own);
    this.table = table;
    this.links = new ContainerLinks(links);
  }

  /** The host's devices at one moment. */
  final class Devices {
    private final Map<Integer, LinkInfo> byIndex =
        netlink.links().stream().collect(Collectors.toMap(LinkInfo::index, Function.identity()));

    /**
     * Whether the endpoint's device is there, whatever somebody made of its name or MAC. An index
     * alone may have been given away again: to whom it belongs, alias, MAC or our program tell.
     */
    boolean has(Endpoint endpoint) {
      LinkInfo link = byIndex.get(endpoint.interfaceIndex());
      return link != null
          && (ownership.owns(link)
              || Arrays.equals(link.mac(), endpoint.hostMac().toBytes())
              || links.isOn(where(endpoint), link.index()));
    }

    /** The same with what the device's alias, or our note, tells of the container. */
    Endpoint named(Endpoint endpoint) {
      return endpoint.withContainer(
          own(endpoint)
              .flatMap(device -> ownership.container(alias(device)))
              .or(() -> links.noted(where(endpoint))));
    }

    /** The device of an endpoint, if it is one that we made. */
    private Optional<LinkInfo> own(Endpoint endpoint) {
      return Optional.ofNullable(byIndex.get(endpoint.interfaceIndex()))
          .filter(link -> ownership.owns(link) || taken.knows(link.index()));
    }
  }

  Devices devices() {
    return new Devices();
  }

  /** What pins of an endpoint's interface are named after. */
  static String where(Endpoint endpoint) {
    return ContainerInterface.hostName(endpoint.vni(), endpoint.address()).text();
  }

  /** All or nothing; see {@link dev.culvert.datapath.Datapath#attach}. */
  Endpoint attach(Attachment attachment, HostPlan plan, ContainerLinks.Pair programs) {
    requireFree(attachment);
    String linkWhere = ContainerInterface.hostName(attachment.vni(), attachment.address()).text();
    try (ContainerInterface pair = ContainerInterface.open(libc, netlink, attachment);
        Undo undo = new Undo()) {
      Endpoint endpoint = pair.create(ownership, undo);
      headroom.lend(endpoint.interfaceIndex());
      // What it may send is known and checked before it can send anything ...
      allow(endpoint);
      undo.push(() -> table.forbid(endpoint.interfaceIndex()));
      links.attach(linkWhere, programs, endpoint.interfaceIndex(), undo);
      pair.configure(endpoint, plan, undo);
      // ... and others reach it only when it can answer.
      table.put(endpoint);
      undo.commit();
      return endpoint;
    }
  }

  /** See {@link dev.culvert.datapath.Datapath#attached}. */
  Optional<Endpoint> attached(Vni vni, ContainerEnd container) {
    OptionalInt index = ContainerInterface.hostEnd(libc, netlink, container);
    Devices devices = devices();
    return present(vni, devices).stream()
        .filter(endpoint -> index.isPresent() && endpoint.interfaceIndex() == index.getAsInt())
        .findFirst()
        .map(devices::named);
  }

  private void requireFree(Attachment attachment) {
    for (Attachment.Address wanted : attachment.addresses()) {
      table.requireOneNetwork(attachment.vni(), wanted.address());
      Optional<Endpoint> present = table.get(attachment.vni(), wanted.address());
      if (present.isEmpty()) {
        continue;
      }
      if (devices().has(present.get())) {
        throw new TakenException(
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
    Devices devices = devices();
    endpoint.filter(gone -> !devices.has(gone)).ifPresent(taken::note);
    endpoint
        .flatMap(devices::own)
        .or(() -> netlink.link(ContainerInterface.hostName(vni, known)).filter(ownership::owns))
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
    links.detach(ContainerInterface.hostName(vni, address).text());
  }

  private void forbid(int interfaceIndex) {
    table.forbid(interfaceIndex);
  }

  /**
   * Sees to it that programs run on every container's interface, and that those of our making are
   * ports of the bridge that lends them room.
   */
  void keep(Vni vni, ContainerLinks.Pair programs) {
    Devices devices = devices();
    OptionalInt bridge = headroom.bridge();
    for (Endpoint endpoint : present(vni, devices)) {
      links.keep(where(endpoint), programs, endpoint.interfaceIndex());
      Optional<LinkInfo> device = devices.own(endpoint);
      if (device.isPresent()
          && bridge.isPresent()
          && device.get().masterIndex() != bridge.getAsInt()) {
        headroom.lend(device.get().index());
        allow(endpoint);
      }
    }
  }

  /** What the interfaces of our making should be. */
  List<Fixture> fixtures(Vni vni, HostPlan plan) {
    Devices devices = devices();
    List<Fixture> wanted = new ArrayList<>();
    for (Endpoint endpoint : present(vni, devices)) {
      devices
          .own(endpoint)
          .ifPresent(device ->
              wanted.addAll(
                  plan.container(
                      endpoint,
                      ContainerInterface.hostName(endpoint.vni(), endpoint.address()),
                      alias(device))));
    }
    return wanted;
  }

  /** Those whose interface is there, with their containers. */
  List<Endpoint> present(Vni vni) {
    Devices devices = devices();
    return present(vni, devices).stream().map(devices::named).toList();
  }

  private List<Endpoint> present(Vni vni, Devices devices) {
    return table.read().stream()
        .filter(endpoint -> endpoint.vni().equals(vni) && devices.has(endpoint))
        .toList();
  }

  private String alias(LinkInfo device) {
    return taken.alias(device);
  }

  /**
   * Pairs of ours that neither tables nor pins know: a bpf file system was unmounted or emptied. To
   * be asked before anything changes, since routes tell of them.
   */
  List<Endpoint> lost(Vni vni) {
    Set<Integer> known = knownIndexes();
    return FoundPairs.find(netlink, ownership, vni).stream()
        .filter(found -> !known.contains(found.interfaceIndex()))
        .filter(found -> !links.isOn(where(found), found.interfaceIndex()))
        .toList();
  }

  /** Takes lost pairs in again. */
  void adopt(List<Endpoint> lost, ContainerLinks.Pair programs) {
    for (Endpoint endpoint : lost) {
      allow(endpoint);
      links.keep(where(endpoint), programs, endpoint.interfaceIndex());
      table.put(endpoint);
    }
  }

  private Set<Integer> knownIndexes() {
    return table.read().stream().map(Endpoint::interfaceIndex).collect(Collectors.toSet());
  }

  /** See {@link TakenContainers#told}. */
  List<String> taken() {
    return taken.told();
  }

  /** A sentence for each pair with our alias that nothing else tells of. */
  List<String> strangers() {
    Set<Integer> known = knownIndexes();
    return netlink.links().stream()
        .filter(link -> isPair(link) && !known.contains(link.index()))
        .map(link ->
            "The interface "
                + link.name()
                + " (alias \""
                + link.alias()
                + "\") is of this instance's making, and no table knows its container: attach"
                + " that anew, or delete it (ip link delete "
                + link.name()
                + ").")
        .toList();
  }

  private boolean isPair(LinkInfo link) {
    return link.kind().equals("veth") && ownership.owns(link);
  }

  /**
   * A pair without an entry that an agent left half made or half removed: its pins know it, or it
   * has not been brought up yet. All others stay: that tables are empty says nothing of containers.
   */
  private boolean isHalf(LinkInfo link) {
    return !link.up() || links.isOn(link.name(), link.index());
  }

  /** Entries without a device, and pairs without an entry (an agent died in the middle). */
  List<Endpoint> dropVanished() {
    Devices devices = devices();
    List<Endpoint> gone = new ArrayList<>();
    for (Endpoint endpoint : table.read()) {
      if (!devices.has(endpoint)) {
        taken.note(endpoint);
        forget(endpoint);
        gone.add(endpoint);
      }
    }
    for (int index : table.interfaceIndexes()) {
      if (!devices.byIndex.containsKey(index)) {
        forbid(index);
        taken.forget(index);
      }
    }
    Set<Integer> known = knownIndexes();
    for (LinkInfo device : devices.byIndex.values()) {
      if (isPair(device) && !known.contains(device.index()) && isHalf(device)) {
        own.delete(device.index());
      }
    }
    return gone;
  }
}
