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
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Lets the containers behind bridges that others made into the overlay. */
final class Bridges {
  private final Netlink netlink;
  private final Tables tables;
  private final ContainerLinks links;

  /** By name, what lies behind each; a bridge that is made anew has another index. */
  private final Map<InterfaceName, List<Subnet>> letIn = new TreeMap<>();

  Bridges(Netlink netlink, Tables tables, PinnedLinks links) {
    this.netlink = netlink;
    this.tables = tables;
    this.links = new ContainerLinks(links);
  }

  /** By index, since a bridge's name may hold a dot, which a pin's name must not. */
  private static String where(int bridgeIndex) {
    return "bridge" + bridgeIndex;
  }

  void attach(InterfaceName bridge, List<Subnet> subnets, ContainerLinks.Pair programs) {
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
    letIn.put(bridge, List.copyOf(subnets));
  }

  /**
   * Lets bridges in again that somebody made anew, and attaches what somebody took off them.
   *
   * @return whether the tables changed
   */
  boolean follow(Identity identity, ContainerLinks.Pair programs, List<String> told) {
    List<LocalSubnet> locals = tables.read(identity.vtep().port()).locals();
    learn(locals);
    boolean changed = false;
    for (Map.Entry<InterfaceName, List<Subnet>> bridge : Map.copyOf(letIn).entrySet()) {
      Optional<LinkInfo> device =
          netlink.link(bridge.getKey()).filter(link -> link.kind().equals("bridge"));
      int index = device.map(LinkInfo::index).orElse(0);
      boolean known = index != 0 && locals.stream().anyMatch(local -> local.bridgeIndex() == index);
      if (index == 0) {
        told.add(
            "The bridge "
                + bridge.getKey()
                + " is gone; it is let into the overlay again when somebody makes it anew.");
        dropVanished(identity);
        changed |= !locals.equals(tables.read(identity.vtep().port()).locals());
      } else if (known) {
        links.keep(where(index), programs, index);
      } else {
        dropVanished(identity);
        attach(bridge.getKey(), bridge.getValue(), programs);
        changed = true;
      }
    }
    return changed;
  }

  /** Those that an earlier agent let in. */
  private void learn(List<LocalSubnet> locals) {
    Map<InterfaceName, List<Subnet>> found = new TreeMap<>();
    for (LocalSubnet local : locals) {
      if (local.bridgeIndex() != 0) {
        netlink
            .link(local.bridgeIndex())
            .ifPresent(device ->
                found
                    .computeIfAbsent(new InterfaceName(device.name()), _ -> new ArrayList<>())
                    .add(local.subnet()));
      }
    }
    found.forEach(letIn::putIfAbsent);
  }

  void detach(InterfaceName bridge, Identity identity) {
    letIn.remove(bridge);
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
