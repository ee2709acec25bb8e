// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.Identity;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.host.Fixture;
import dev.culvert.datapath.host.GatewayNeighbours;
import dev.culvert.datapath.host.Headroom;
import dev.culvert.datapath.host.HostDevice;
import dev.culvert.datapath.host.HostPlan;
import dev.culvert.datapath.host.MasqueradeKeeper;
import dev.culvert.datapath.host.OwnDevices;
import dev.culvert.datapath.host.Ownership;
import dev.culvert.datapath.host.ReversePath;
import dev.culvert.datapath.host.Upkeep;
import dev.culvert.datapath.table.ProgramNames;
import dev.culvert.datapath.table.Tables;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.bpf.Link;
import dev.culvert.kernel.netlink.Netlink;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Keeps what this instance has on its host as it made it: devices, addresses, routes, settings,
 * programs. Starting and mending take the same steps. Owned by one thread, but for {@link
 * #problems}.
 */
final class HostKeeper {
  private final Parts parts;
  private final Containers containers;
  private final Bridges bridges;
  private final Upkeep upkeep;
  private final GatewayNeighbours neighbours;
  private int device;
  private volatile List<String> problems = List.of();

  /** What it works with. */
  record Parts(
      Netlink netlink,
      OwnDevices devices,
      Ownership ownership,
      PinnedLinks links,
      Tables tables,
      MasqueradeKeeper masquerade) {}

  HostKeeper(Libc libc, Parts parts, Containers containers, Bridges bridges) {
    this.neighbours = new GatewayNeighbours(libc, parts.netlink());
    this.parts = parts;
    this.containers = containers;
    this.bridges = bridges;
    this.upkeep = new Upkeep(parts.netlink());
  }

  static HostPlan plan(Identity identity) {
    return new HostPlan(HostPlan.Carrier.PROGRAMS, identity.gateways());
  }

  /** What could not be put back, one sentence each. Any thread may ask. */
  List<String> problems() {
    return problems;
  }

  /**
   * Makes the host's device, with the programs that guard it, its addresses and routes.
   *
   * @param before what an earlier start set: what is in the way of that by now is told, and keeps
   *     nobody from going on
   * @throws RefusedException when somebody else's device is in the way, or, at the first start, a
   *     route
   */
  void start(Identity identity, int innerMtuBytes, Optional<Identity> before, Programs programs) {
    boolean anew = before.map(i -> i.vtep().port() != identity.vtep().port()).orElse(true);
    HostDevice own = new HostDevice(parts.netlink(), parts.devices());
    guard(own.ensure(identity.vtep(), innerMtuBytes, anew), identity, programs);
    List<Fixture> wanted = ofDevice(identity, programs);
    own.clear(device, wanted);
    if (before.isEmpty()) {
      upkeep.make(wanted);
    } else {
      problems = upkeep.renew(wanted);
    }
    parts.tables().device().set(device, upkeep.routesRunPrograms());
    headroom().ensure(IpFamily.of(identity.vtep().address()));
  }

  /** The device is guarded before it has an address: what the kernel unwraps is judged too. */
  private void guard(int index, Identity identity, Programs programs) {
    parts.tables().endpoints().allowHost(index, identity.vni());
    PinnedLinks links = parts.links();
    links.keep(
        "", programs.object().program(ProgramNames.FROM_TUNNEL), index, Link.Direction.INGRESS);
    links.keep("", programs.object().program(ProgramNames.FROM_HOST), index, Link.Direction.EGRESS);
    if (device != 0 && device != index) {
      parts.tables().endpoints().forbid(device);
    }
    device = index;
  }

  private List<Fixture> ofDevice(Identity identity, Programs programs) {
    return plan(identity)
        .hostDevice(
            device,
            parts.ownership(),
            Optional.of(identity.vtep()),
            Optional.of(programs.object().program(ProgramNames.JUDGE_ROUTED)));
  }

  /** All that should be on this host. */
  List<Fixture> fixtures(Identity identity, Programs programs) {
    List<Fixture> all = new ArrayList<>(ofDevice(identity, programs));
    all.addAll(containers.fixtures(identity.vni(), plan(identity)));
    return all;
  }

  private Headroom headroom() {
    return new Headroom(parts.netlink(), parts.devices());
  }

  /**
   * Puts back what somebody took away or changed.
   *
   * @return whether the tables' subnets changed
   */
  boolean keep(Identity identity, int innerMtuBytes, Programs programs) {
    List<String> told = new ArrayList<>();
    ContainerLinks.Pair pair = ContainerLinks.Pair.of(programs);
    HostDevice own = new HostDevice(parts.netlink(), parts.devices());
    trying(
        "the device " + HostDevice.NAME,
        told,
        () -> {
          int before = device;
          guard(own.ensure(identity.vtep(), innerMtuBytes, false), identity, programs);
          told.addAll(upkeep.mend(ofDevice(identity, programs)));
          told.addAll(own.foreignAddresses(device));
          if (device != before) {
            parts.tables().device().set(device, upkeep.routesRunPrograms());
          }
        });
    trying(
        "the room in front of packets",
        told,
        () -> headroom().ensure(IpFamily.of(identity.vtep().address())));
    trying(
        "containers' interfaces",
        told,
        () -> {
          containers.keep(identity.vni(), pair);
          told.addAll(upkeep.mend(containers.fixtures(identity.vni(), plan(identity))));
          told.addAll(containers.taken());
          told.addAll(containers.strangers());
        });
    trying(
        "containers' gateways",
        told,
        () -> neighbours.introduce(containers.present(identity.vni()), identity.gateways()));
    told.addAll(losses(identity));
    told.addAll(parts.masquerade().keep(identity.networks()));
    boolean[] changed = {false};
    trying("bridges", told, () -> changed[0] = bridges.follow(identity, pair, told));
    problems = List.copyOf(told);
    return changed[0];
  }

  /** What strict filtering on the way to hosts that are routed directly takes away. */
  private List<String> losses(Identity identity) {
    Netlink netlink = parts.netlink();
    return new ReversePath(netlink)
        .losses(
            netlink.links().stream().filter(link -> !parts.ownership().owns(link)).toList(),
            () ->
                parts.tables().read(identity.vtep().port()).remotes().stream()
                    .filter(remote -> remote.direct() && remote.nextHop().isPresent())
                    .map(remote -> remote.nextHop().get().interfaceIndex())
                    .toList());
  }

  /** One thing that cannot be put back is no reason to leave the others. */
  private static void trying(String what, List<String> told, Runnable work) {
    try {
      work.run();
    } catch (RefusedException refused) {
      told.add(refused.getMessage());
    } catch (KernelException failed) {
      told.add("Keeping " + what + " failed: " + failed.getMessage());
    }
  }
}
