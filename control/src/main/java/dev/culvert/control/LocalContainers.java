// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Attachment;
import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.ExistingInterface;
import dev.culvert.datapath.Gateway;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import dev.culvert.kernel.IpAddresses;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The containers of this host in one overlay: gives them addresses, brings them in and takes them
 * out. Called by the overlay's thread alone.
 */
final class LocalContainers {
  private final Vni vni;
  private final Datapath datapath;
  private final Leases leases;
  private final Runnable changed;
  private final SortedMap<String, Endpoint> endpoints = new TreeMap<>();

  /** Taken out by a call, and nobody was told yet. */
  private final Set<Endpoint> detached = new HashSet<>();

  /**
   * @param changed called after each container that comes or goes: two of one turn are not one
   */
  LocalContainers(Vni vni, Datapath datapath, Leases leases, Runnable changed) {
    this.changed = changed;
    this.vni = vni;
    this.datapath = datapath;
    this.leases = leases;
  }

  List<Endpoint> list() {
    return List.copyOf(endpoints.values());
  }

  /** Those that are gone by a call since this was asked last. */
  Set<Endpoint> takeDetached() {
    Set<Endpoint> taken = Set.copyOf(detached);
    detached.clear();
    return taken;
  }

  /** Those that the datapath has are those that there are. */
  void adopt(Datapath.State state) {
    endpoints.clear();
    state.endpoints().stream().filter(endpoint -> endpoint.vni().equals(vni)).forEach(this::put);
  }

  private void put(Endpoint endpoint) {
    endpoints.put(IpAddresses.text(endpoint.address()), endpoint);
  }

  Attached attach(ContainerEnd container, List<InetAddress> wanted) {
    Optional<Endpoint> there = datapath.attached(vni, container);
    if (there.isPresent()) {
      return Attached.again(there.get(), container, wanted);
    }
    return new Attached(make(container, wanted), true);
  }

  private Endpoint make(ContainerEnd container, List<InetAddress> wanted) {
    Set<InetAddress> taken =
        endpoints.values().stream()
            .flatMap(endpoint -> endpoint.addresses().stream())
            .collect(Collectors.toSet());
    List<IpPrefix> subnets = leases.usable();
    List<InetAddress> addresses = AddressAllocator.choose(subnets, wanted, taken);
    List<Attachment.Address> routed = new ArrayList<>();
    for (int i = 0; i < subnets.size(); i++) {
      InetAddress gateway = Gateway.addressIn(subnets.get(i));
      routed.add(new Attachment.Address(addresses.get(i), gateway));
    }
    int mtuBytes = datapath.overlayMtuBytes(leases.vtep().address());
    Endpoint endpoint = datapath.attach(new Attachment(vni, container, routed, mtuBytes));
    put(endpoint);
    changed.run();
    return endpoint;
  }

  Attached attachExisting(ContainerEnd container) {
    Optional<Endpoint> there = datapath.attached(vni, container);
    if (there.isPresent()) {
      return Attached.again(there.get(), container, List.of());
    }
    List<Subnet> subnets = leases.usable().stream().map(prefix -> new Subnet(vni, prefix)).toList();
    Endpoint endpoint = datapath.attachExisting(new ExistingInterface(container, subnets));
    put(endpoint);
    changed.run();
    return new Attached(endpoint, true);
  }

  /** By any of its addresses. */
  void detach(InetAddress address) {
    datapath.detach(vni, address);
    List<Endpoint> gone =
        endpoints.values().stream()
            .filter(endpoint -> endpoint.addresses().contains(address))
            .toList();
    endpoints.values().removeAll(gone);
    detached.addAll(gone);
    changed.run();
  }

  /** Takes out those whose interface is gone. */
  void removeVanished() {
    for (Endpoint endpoint : datapath.vanishedEndpoints()) {
      if (endpoint.vni().equals(vni)) {
        datapath.detach(vni, endpoint.address());
        endpoints.values().removeIf(known -> known.addresses().contains(endpoint.address()));
        changed.run();
      }
    }
  }
}
