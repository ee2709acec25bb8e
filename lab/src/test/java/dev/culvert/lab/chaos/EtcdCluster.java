// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.chaos;

import dev.culvert.datapath.Vtep;
import dev.culvert.lab.LabException;
import dev.culvert.lab.Patience;
import dev.culvert.store.etcd.EtcdConfig;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** The real etcd of a run, of one member or of three, and all that can be done to it. */
final class EtcdCluster {
  private static final Duration START = Duration.ofMinutes(2);

  private final List<EtcdMember> all;
  private final Optional<Security> security;
  private final EtcdAdmin admin = new EtcdAdmin();
  private List<EtcdMember> members;

  /**
   * @param all that there may be; the first is the one of a cluster of one
   * @param security of a cluster of one
   */
  EtcdCluster(List<EtcdMember> all, Optional<Security> security) {
    this.all = List.copyOf(all);
    this.security = security;
    this.members = List.of(all.getFirst());
  }

  /** How a host reaches it: the same for one member and for three. */
  EtcdConfig config() {
    return new EtcdConfig(
        all.stream().map(EtcdMember::endpoint).toList(),
        EtcdConfig.PREFIX,
        security.map(Security::tls).orElse(EtcdConfig.Tls.DEFAULT),
        security.map(Security::login),
        Vtep.VXLAN_PORT);
  }

  int size() {
    return members.size();
  }

  List<EtcdMember> members() {
    return members;
  }

  EtcdAdmin admin() {
    return admin;
  }

  /** Makes it anew, with so many members and nothing in it. */
  void makeAnew(int count) {
    all.forEach(EtcdMember::kill);
    members = all.subList(0, count);
    members.forEach(EtcdMember::wipe);
    start();
    security.ifPresent(known ->
        admin.enablePasswords(anyone().adminEndpoint(), EtcdConfig.PREFIX, known.password()));
  }

  /** Starts what does not run, and waits until it serves. */
  void start() {
    String cluster =
        members.stream()
            .map(member -> member.name + "=" + member.peer())
            .collect(Collectors.joining(","));
    members.stream().filter(member -> !member.isRunning()).forEach(m -> m.start(cluster));
    Patience.until("etcd to serve", START, () -> members.stream().allMatch(this::serves));
    Patience.until("a leader", START, () -> members.stream().anyMatch(this::leads));
  }

  private boolean serves(EtcdMember member) {
    return admin.serves(member.adminEndpoint());
  }

  private boolean leads(EtcdMember member) {
    return admin.leads(member.adminEndpoint());
  }

  EtcdMember leader() {
    return members.stream()
        .filter(EtcdMember::isRunning)
        .filter(this::leads)
        .findFirst()
        .orElseThrow(() -> new LabException("No member of etcd is its leader."));
  }

  /** One that can be asked to change something. */
  EtcdMember anyone() {
    return members.getFirst();
  }

  void each(Consumer<EtcdMember> action) {
    members.forEach(action);
  }

  void close() {
    all.forEach(EtcdMember::kill);
  }
}
