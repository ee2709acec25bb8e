// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.Change;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Identity;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.host.ForeignBridge;
import dev.culvert.datapath.host.Undo;
import dev.culvert.datapath.table.Tables;
import dev.culvert.kernel.Netlink;
import dev.culvert.kernel.Netlink.LinkInfo;
import dev.culvert.kernel.RefusedException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Lets the containers behind bridges that others made into the overlay. */
final class Bridges {
  private final Netlink netlink;
  private final Tables tables;
  private final ContainerLinks links;

  Bridges(Netlink netlink, Tables tables, PinnedLinks links) {
    this.netlink = netlink;
    this.tables = tables;
    this.links = new ContainerLinks(links);
  }

  /** By index, since a bridge's name may hold a dot, which a pin's name must not. */
  private static String where(int bridgeIndex) {
    return "bridge" + bridgeIndex;
  }

  void attach(String bridge, List<Subnet> subnets, ContainerLinks.Pair programs) {
    int index = ForeignBridge.find(netlink, bridge).index();
    try (Undo undo = new Undo()) {
      undo.push(() -> forbid(index));
      subnets.forEach(subnet -> tables.endpoints().allowBridge(index, subnet));
      links.attach(where(index), programs, index, undo);
      for (Subnet subnet : subnets) {
        undo.push(() -> write(new Change.PutLocal(new LocalSubnet(subnet, 0))));
        write(new Change.PutLocal(new LocalSubnet(subnet, index)));
      }
      undo.commit();
    }
  }

  void detach(String bridge, Identity identity) {
    Optional<LinkInfo> device = netlink.link(bridge);
    if (device.isEmpty()) {
      dropVanished(identity);
      return;
    }
    int index = device.get().index();
    if (!links.isOn(where(index))) {
      throw new RefusedException(
          "The interface " + bridge + " is no bridge that was attached; nothing is detached.");
    }
    takeSubnetsOff(Set.of(index), identity);
    links.detach(where(index));
    forbid(index);
  }

  /** Forgets bridges that are no longer there. */
  void dropVanished(Identity identity) {
    Set<Integer> present =
        netlink.links().stream().map(LinkInfo::index).collect(Collectors.toSet());
    Set<Integer> gone =
        tables.read(identity.vtep().port()).locals().stream()
            .map(LocalSubnet::bridgeIndex)
            .filter(index -> index != 0 && !present.contains(index))
            .collect(Collectors.toSet());
    takeSubnetsOff(gone, identity);
    for (int index : gone) {
      links.detach(where(index));
      forbid(index);
    }
  }

  private void takeSubnetsOff(Set<Integer> bridges, Identity identity) {
    for (LocalSubnet local : tables.read(identity.vtep().port()).locals()) {
      if (local.bridgeIndex() != 0 && bridges.contains(local.bridgeIndex())) {
        write(ForeignBridge.without(local, Optional.of(identity)));
      }
    }
  }

  private void write(Change change) {
    for (Datapath.Failure failure : tables.subnets().apply(List.of(change))) {
      throw failure.cause();
    }
  }

  private void forbid(int index) {
    tables.endpoints().forbid(index);
  }
}
