// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/** What must hold in every history, whatever its store is and whatever happens to it. */
public final class HistoryInvariants {
  private HistoryInvariants() {}

  /**
   * No moment with two hosts forwarding one subnet.
   *
   * @param one by its name
   * @param other by its name; both could know by now whose it is
   * @return what is wrong, empty where nothing is
   */
  public static Optional<String> sharing(
      Map.Entry<HostName, Set<Subnet>> one, Map.Entry<HostName, Set<Subnet>> other) {
    Set<Subnet> both = new HashSet<>(one.getValue());
    both.retainAll(other.getValue());
    return both.stream()
        .findFirst()
        .map(subnet -> subnet + " is forwarded by both " + one.getKey() + " and " + other.getKey());
  }

  /**
   * Every table equals the store, and who holds a subnet forwards it and no other.
   *
   * @param held by the store, all of it
   * @param machine that runs
   * @return what is wrong, empty where nothing is
   */
  public static Optional<String> difference(List<Lease> held, HistoryMember machine) {
    Map<HostName, Lease> byHost =
        held.stream().collect(Collectors.toMap(Lease::host, Function.identity(), (one, _) -> one));
    Optional<Lease> own = Optional.ofNullable(byHost.get(machine.name()));
    List<String> wanted = wanted(held, machine);
    if (!wanted.equals(machine.table())) {
      return Optional.of(
          "the table of %s is %s and should be %s, %s"
              .formatted(machine.name(), machine.table(), wanted, machine.problems()));
    }
    Set<Subnet> forwards = own.map(lease -> Set.of(lease.subnet())).orElse(Set.of());
    return forwards.equals(machine.forwards())
        ? Optional.empty()
        : Optional.of(
            "%s forwards %s and should forward %s, %s"
                .formatted(machine.name(), machine.forwards(), forwards, machine.problems()));
  }

  private static List<String> wanted(List<Lease> held, HistoryMember machine) {
    Optional<Subnet> own = machine.own();
    return held.stream()
        .filter(lease -> !lease.host().equals(machine.name()))
        .filter(lease -> !own.equals(Optional.of(lease.subnet())))
        .map(lease -> lease.subnet() + " at " + lease.vtep())
        .sorted()
        .toList();
  }

  /** A table as {@link HistoryMember#table} has it. */
  public static List<String> table(Collection<RemoteSubnet> remotes) {
    return remotes.stream()
        .map(remote -> remote.subnet() + " at " + remote.remote())
        .sorted()
        .toList();
  }
}
