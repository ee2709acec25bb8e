// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.chaos;

import dev.culvert.control.HostName;
import dev.culvert.control.Lease;
import dev.culvert.datapath.Subnet;
import dev.culvert.lab.Patience;
import dev.culvert.store.etcd.EtcdConfig;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Makes the faults happen, and ends them. */
final class Faults {
  /** In which nobody's lease ends: whoever is away for so long loses nothing. */
  private static final Duration SHORT = Duration.ofSeconds(6);

  private static final Duration RUNS = Duration.ofMillis(50);
  private static final Duration STANDS = Duration.ofMillis(450);

  /** A lease, half of it again, and what asking its holder takes. */
  private static final Duration TAKEN = World.LEASE.multipliedBy(5);

  private static final Duration RENEWED = World.LEASE.multipliedBy(3);
  private static final Duration REGAINED = World.LEASE.multipliedBy(4);

  private static final int CLIENTS = EtcdMember.CLIENT_PORT;
  private static final int PEERS = EtcdMember.PEER_PORT;
  private static final String DROP = "drop";
  private static final String RESET = "reject with tcp reset";

  private final World world;
  private final EtcdCluster etcd;
  private final Set<HostName> hit = new HashSet<>();

  Faults(World world) {
    this.world = world;
    this.etcd = world.etcd;
  }

  /** Carries one out, and returns when it is over, though not what it did. */
  void happen(Schedule.Step step) {
    Duration lasts = step.lasts();
    hit.clear();
    switch (step.fault()) {
      case DOWN -> restartAfter(() -> Patience.pause(lasts));
      case SLOW -> slow(lasts);
      case FROZEN -> frozen(etcd.members(), lasts);
      case CUT_OFF -> cut(etcd.members(), CLIENTS, () -> Patience.pause(lasts));
      case HOST_CUT_OFF -> cutOff(world.real.getLast(), shortened(lasts));
      case COMPACTED -> compacted();
      case LEADER_LOST -> lost(List.of(etcd.leader()), lasts);
      case LEADER_FROZEN -> frozen(List.of(etcd.leader()), lasts);
      case LEADER_ISOLATED -> cut(List.of(etcd.leader()), PEERS, () -> Patience.pause(lasts));
      case NO_QUORUM -> lost(etcd.members().subList(0, 2), lasts);
      case EMPTIED -> emptied();
      case WIPED -> wiped(etcd.size());
      case WIPED_APART -> wipedApart();
      case RESTORED -> restored(lasts);
      case FULL -> full(lasts);
      case AGENT_KILLED -> agentKilled(step);
      case AGENT_FROZEN -> agentFrozen(step);
      case AGENT_OVERSLEPT -> overslept(step);
      case HOST_REBOOTED -> rebooted(step, () -> {});
      case REBOOTED_WITHOUT_STORE -> rebootedWithoutStore(step);
      case PASSWORD_CHANGED -> passwordChanged(lasts);
      case CERTIFICATE_EXPIRED -> certificateExpired(lasts);
    }
  }

  private static Duration shortened(Duration lasts) {
    return lasts.compareTo(SHORT) < 0 ? lasts : SHORT;
  }

  private URI admin() {
    return etcd.anyone().adminEndpoint();
  }

  private void restartAfter(Runnable meanwhile) {
    etcd.each(EtcdMember::kill);
    meanwhile.run();
    etcd.start();
  }

  private void lost(List<EtcdMember> members, Duration lasts) {
    members.forEach(EtcdMember::kill);
    Patience.pause(lasts);
    etcd.start();
  }

  private void slow(Duration lasts) {
    long endNs = System.nanoTime() + lasts.toNanos();
    while (System.nanoTime() < endNs) {
      frozen(etcd.members(), STANDS);
      Patience.pause(RUNS);
    }
  }

  private static void frozen(List<EtcdMember> members, Duration lasts) {
    members.forEach(EtcdMember::freeze);
    Patience.pause(lasts);
    members.forEach(EtcdMember::thaw);
  }

  private void cut(List<EtcdMember> members, int port, Runnable meanwhile) {
    members.forEach(member -> world.links.cut(member.namespace, port, DROP));
    meanwhile.run();
    members.forEach(member -> world.links.mend(member.namespace));
  }

  /** So that what a fault lasts is what is missing of its lease. */
  private void awaitRenewal(HostName host) {
    long before = generation(host);
    Patience.until("a renewal by " + host, RENEWED, () -> generation(host) > before);
  }

  private long generation(HostName host) {
    return world.leases().stream()
        .filter(lease -> lease.host().equals(host))
        .mapToLong(Lease::generation)
        .findFirst()
        .orElse(0);
  }

  private void cutOff(RealHost host, Duration lasts) {
    awaitRenewal(host.name());
    world.links.cut(host.namespace, CLIENTS, DROP);
    Patience.pause(lasts);
    world.links.mend(host.namespace);
  }

  /** What was not heard yet is not to be had any more. */
  private void compacted() {
    etcd.each(member -> world.links.cut(member.namespace, CLIENTS, RESET));
    Patience.pause(Duration.ofSeconds(1)); // until something is said on each connection
    etcd.admin().compact(admin(), EtcdConfig.PREFIX);
    etcd.each(member -> world.links.mend(member.namespace));
  }

  private void emptied() {
    etcd.admin().deleteAll(admin(), EtcdConfig.PREFIX);
    world.acknowledged.clear();
  }

  void wiped(int members) {
    etcd.each(EtcdMember::kill);
    world.acknowledged.clear();
    etcd.makeAnew(members);
  }

  /** Newcomers find a store that does not know of a host which forwards. */
  private void wipedApart() {
    RealHost host = world.real.getLast();
    awaitRenewal(host.name());
    world.links.cut(host.namespace, CLIENTS, DROP);
    wiped(etcd.size());
    Patience.pause(SHORT); // newcomers ask every two seconds, and wait for so long
    world.links.mend(host.namespace);
  }

  private void restored(Duration lasts) {
    restartAfter(() -> etcd.each(EtcdMember::backUp));
    Patience.pause(World.LEASE.plus(lasts)); // every lease is renewed meanwhile
    etcd.each(EtcdMember::kill);
    world.acknowledged.clear();
    etcd.each(EtcdMember::restore);
    etcd.start();
  }

  private void full(Duration lasts) {
    etcd.admin().setFull(admin(), true);
    Patience.pause(lasts);
    etcd.admin().setFull(admin(), false);
  }

  /** A real one and a simulated one. */
  private void agentKilled(Schedule.Step step) {
    SimulatedHost other = chosen(step);
    RealHost host = world.real.get(2);
    awaitRenewal(host.name());
    world.forwarders.sleeps(host.name());
    host.kill();
    other.kill();
    Patience.pause(shortened(step.lasts().dividedBy(2))); // and starting takes its time
    host.launch();
    boolean _ = other.start();
    host.awaitReady();
    world.forwarders.started(host.name());
  }

  private void agentFrozen(Schedule.Step step) {
    SimulatedHost other = chosen(step);
    RealHost host = world.real.get(2);
    awaitRenewal(host.name());
    freeze(host);
    other.freeze();
    Patience.pause(shortened(step.lasts()));
    other.thaw();
    thaw(host);
  }

  private SimulatedHost chosen(Schedule.Step step) {
    SimulatedHost host = world.simulated(step.chosen());
    hit.add(host.name());
    return host;
  }

  private void freeze(RealHost host) {
    hit.add(host.name());
    world.forwarders.sleeps(host.name());
    host.freeze();
  }

  private void thaw(RealHost host) {
    world.forwarders.woke(host.name());
    host.thaw();
  }

  /** Both lose their subnets to those that wait for one, and get them back when these leave. */
  private void overslept(Schedule.Step step) {
    SimulatedHost other = chosen(step);
    RealHost host = world.real.getLast();
    Map<HostName, Subnet> before = world.holders();
    Set<HostName> sleepers = Set.of(host.name(), other.name());
    freeze(host);
    other.freeze();
    Patience.until(
        "others to take the subnets of two frozen hosts",
        TAKEN,
        () -> takers(before, sleepers).size() == sleepers.size());
    other.thaw();
    thaw(host);
    Patience.until(
        "two hosts that overslept to be cut off",
        REGAINED,
        () -> host.forwards().isEmpty() && other.forwards().isEmpty());
    List<SimulatedHost> takers = takers(before, sleepers);
    takers.forEach(taker -> hit.add(taker.name()));
    takers.forEach(SimulatedHost::leave);
    Patience.until(
        "two hosts to get their subnets back",
        REGAINED,
        () -> sleepers.stream().allMatch(one -> before.get(one).equals(world.holders().get(one))));
    takers.forEach(SimulatedHost::wantAgain);
  }

  private List<SimulatedHost> takers(Map<HostName, Subnet> before, Set<HostName> sleepers) {
    List<SimulatedHost> takers = new ArrayList<>();
    Map<HostName, Subnet> now = world.holders();
    for (HostName sleeper : sleepers) {
      now.entrySet().stream()
          .filter(entry -> !sleepers.contains(entry.getKey()))
          .filter(entry -> entry.getValue().equals(before.get(sleeper)))
          .map(entry -> world.simulated(entry.getKey()))
          .flatMap(Optional::stream)
          .filter(SimulatedHost::isRunning)
          .forEach(takers::add);
    }
    return takers;
  }

  private void rebooted(Schedule.Step step, Runnable meanwhile) {
    SimulatedHost host = chosen(step);
    host.reboot();
    meanwhile.run();
    boolean _ = host.start();
  }

  /**
   * A real one and a simulated one. The real one's container is made anew, and reaches another's
   * before etcd is back; but where the lease has ended before the agent runs, on a busy machine,
   * the host is cut off until then, and must be.
   */
  private void rebootedWithoutStore(Schedule.Step step) {
    SimulatedHost other = chosen(step);
    RealHost host = world.real.getLast();
    hit.add(host.name());
    awaitRenewal(host.name());
    boolean[] attached = {false};
    restartAfter(() -> {
      world.reboot(host);
      host.launch();
      other.reboot();
      boolean _ = other.start();
      host.awaitReady();
      world.forwarders.started(host.name());
      attached[0] = host.attachUnlessCutOff();
      RealHost peer = world.real.get(2);
      if (attached[0] && !Patience.holdsWithin(SHORT, () -> host.reaches(peer))) {
        world.broken(host.name() + " started by its snapshot, and does not reach " + peer.name());
      }
    });
    if (!attached[0]) {
      System.out.println("         its lease had ended before its agent ran: cut off meanwhile");
      Patience.until("a host to be sure of its subnet", REGAINED, host::attachUnlessCutOff);
    }
  }

  /**
   * While no host asks: Debian's etcd 3.4.23 may stop answering for ever where users are changed
   * while many do. Hosts are refused from then on, until the file says what etcd says.
   */
  private void passwordChanged(Duration lasts) {
    Security security = world.security.orElseThrow();
    etcd.each(member -> world.links.cut(member.namespace, CLIENTS, RESET));
    Patience.pause(Duration.ofSeconds(1)); // what was asked before has its answer
    etcd.admin().changePassword(admin(), security.choosePassword());
    etcd.each(member -> world.links.mend(member.namespace));
    Patience.pause(lasts);
    security.writePassword();
  }

  /** etcd is started again, so that nobody goes on by a connection that stands. */
  private void certificateExpired(Duration lasts) {
    Security security = world.security.orElseThrow();
    restartAfter(security::expireServer);
    Patience.pause(lasts);
    security.renewServer();
  }

  /** Whom the last one hit: they need not have the subnets that they had. */
  Set<HostName> hit() {
    return Set.copyOf(hit);
  }
}
