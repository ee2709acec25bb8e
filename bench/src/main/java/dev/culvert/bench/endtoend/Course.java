// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend;

import dev.culvert.bench.endtoend.peer.Peer;
import dev.culvert.lab.Command;
import dev.culvert.lab.Lab;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Topology;
import dev.culvert.lab.datapath.LabDatapath;
import dev.culvert.lab.scenario.Stage;
import dev.culvert.measure.Contestant;
import java.util.ArrayList;
import java.util.List;

/**
 * The same topology once for each contestant, side by side, in namespaces of their own; the client
 * is the last container of the first host, the server the last of the last. Closing it removes all.
 */
final class Course implements AutoCloseable {
  /** A contestant that stands, with what it stands on. */
  record Built(Peer peer, Topology topology, LabDatapath datapath) {
    Contestant contestant() {
      LabPlan plan = topology.plan();
      LabPlan.Container client = Stage.talker(plan);
      LabPlan.Container server = plan.containersOf(plan.host(plan.hosts())).getLast();
      return plan.family().underlayIpv6()
          ? new Contestant(peer.id(), client.overIpv6(), server.overIpv6())
          : new Contestant(peer.id(), client, server);
    }
  }

  private final Lab lab;
  private final LabPlan.Family family;
  private final List<Built> all = new ArrayList<>();

  /**
   * @param family IPv4 inside and outside, or IPv6 inside and outside
   */
  Course(Lab lab, LabPlan.Family family) {
    this.lab = lab;
    this.family = family;
  }

  /** Builds one contestant more. */
  void add(Peer peer, int hosts, int containers) {
    String prefix = LabPlan.PREFIX + "x-" + peer.id() + "-";
    Topology topology =
        lab.build(new LabPlan(prefix, hosts, containers, LabPlan.Underlay.ROUTED).with(family));
    Built built = new Built(peer, topology, peer.build(lab, topology));
    all.add(built);
    built.datapath().up();
  }

  List<Built> all() {
    return List.copyOf(all);
  }

  List<Contestant> contestants() {
    return all.stream().map(Built::contestant).toList();
  }

  /** The largest MTU that every contestant's containers may have. */
  int commonMtuBytes() {
    return all.stream().mapToInt(built -> built.datapath().containerMtuBytes()).min().orElseThrow();
  }

  /** The same MTU for all containers. */
  void setMtu(int bytes) {
    all.forEach(built -> setMtu(built, bytes));
  }

  /** For each the MTU that its project gives containers. */
  void setOwnMtu() {
    all.forEach(built -> setMtu(built, built.datapath().containerMtuBytes()));
  }

  /** On the client's and the server's device, so on both ends of what is measured. */
  private static void setMtu(Built built, int bytes) {
    Contestant contestant = built.contestant();
    for (LabPlan.Container container : List.of(contestant.client(), contestant.server())) {
      built
          .topology()
          .ip(container.namespace(), List.of("link set " + Topology.DEVICE + " mtu " + bytes));
    }
  }

  void setMode(Mode mode) {
    for (Built built : all) {
      LabPlan plan = built.topology().plan();
      for (LabPlan.Host host : plan.hostList()) {
        offload(plan.routerNamespace(), host.name(), mode.sending());
        offload(host.namespace(), Topology.DEVICE, mode.sending());
        offload(host.namespace(), Topology.DEVICE, mode.receiving());
      }
    }
  }

  /** Sets a device's offloads, in the words of ethtool -K. */
  void offload(String namespace, String device, List<String> settings) {
    List<String> words = new ArrayList<>(List.of("ethtool", "-K", device));
    words.addAll(settings);
    lab.shell().check(Command.of(words).in(namespace));
  }

  /** What the underlay devices of a host say of the offloads that matter, for the report. */
  String offloads() {
    Built first = all.getFirst();
    String text =
        lab.shell()
            .output(
                Command.of("ethtool", "-k", Topology.DEVICE)
                    .in(first.topology().plan().host(1).namespace()));
    return String.join(
        ", ",
        text.lines()
            .map(String::strip)
            .filter(line ->
                line.matches(
                    "(tcp-segmentation-offload|generic-segmentation-offload|generic-receive-offload|tx-udp_tnl-segmentation|tx-checksumming):.*"))
            .toList());
  }

  @Override
  public void close() {
    all.forEach(built -> built.datapath().close());
    all.forEach(built -> built.topology().close());
    all.clear();
  }
}
