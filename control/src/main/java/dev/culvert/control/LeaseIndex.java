// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.control.LeaseView.Known;
import dev.culvert.datapath.Subnet;
import java.net.InetAddress;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * The leases of one overlay by all that is asked of them at each turn, so that a turn costs the
 * same however many there are. Pure; used by one thread.
 */
final class LeaseIndex {
  /** When something ends; of two that end together the lower subnet goes first. */
  private record End(Instant at, Subnet subnet) implements Comparable<End> {
    private static final Comparator<End> ORDER =
        Comparator.comparing(End::at)
            .thenComparing(End::subnet, Comparator.nullsLast(Comparator.naturalOrder()));

    /** Behind all that end then. */
    static End after(Instant at) {
      return new End(at, null);
    }

    @Override
    public int compareTo(End other) {
      return ORDER.compare(this, other);
    }
  }

  private final HostName host;
  private final Function<Known, Optional<Instant>> watchedUntil;

  /** As they were when they were put here; those of this host's name too. */
  private final Map<Subnet, Known> all = new HashMap<>();

  private final SortedMap<Subnet, Lease> namesakes = new TreeMap<>();
  private final Map<InetAddress, Set<Subnet>> byVtep = new HashMap<>();
  private final NavigableSet<End> watched = new TreeSet<>();
  private final NavigableSet<End> expiries = new TreeSet<>();
  private final SharedVteps shared = new SharedVteps();

  /**
   * @param host this one
   * @param watchedUntil when a lease will have been watched for long enough; empty for a static one
   */
  LeaseIndex(HostName host, Function<Known, Optional<Instant>> watchedUntil) {
    this.host = host;
    this.watchedUntil = watchedUntil;
  }

  /** Takes over what there is of a subnet now. */
  void put(Subnet subnet, Optional<Known> now) {
    Known before = now.isPresent() ? all.put(subnet, now.get()) : all.remove(subnet);
    if (before != null) {
      remove(before);
    }
    now.ifPresent(this::add);
  }

  private void add(Known known) {
    Lease lease = known.lease();
    shared.add(lease);
    if (isNamesake(lease)) {
      namesakes.put(lease.subnet(), lease);
      return;
    }
    byVtep.computeIfAbsent(lease.vtep().address(), _ -> new HashSet<>(2)).add(lease.subnet());
    watchedUntil.apply(known).ifPresent(end -> watched.add(new End(end, lease.subnet())));
    lease.expires().ifPresent(end -> expiries.add(new End(end, lease.subnet())));
  }

  private void remove(Known known) {
    Lease lease = known.lease();
    shared.remove(lease);
    if (isNamesake(lease)) {
      namesakes.remove(lease.subnet());
      return;
    }
    byVtep.computeIfPresent(
        lease.vtep().address(),
        (_, subnets) -> subnets.remove(lease.subnet()) && subnets.isEmpty() ? null : subnets);
    watchedUntil.apply(known).ifPresent(end -> watched.remove(new End(end, lease.subnet())));
    lease.expires().ifPresent(end -> expiries.remove(new End(end, lease.subnet())));
  }

  private boolean isNamesake(Lease lease) {
    return lease.host().equals(host);
  }

  /** All of them. */
  Set<Subnet> subnets() {
    return all.keySet();
  }

  /** Leases of this host's name. */
  List<Lease> namesakes() {
    return List.copyOf(namesakes.values());
  }

  /** Other hosts' VTEPs. */
  Set<InetAddress> vteps() {
    return byVtep.keySet();
  }

  /** What other hosts have behind a VTEP. */
  Set<Subnet> behind(InetAddress vtep) {
    return byVtep.getOrDefault(vtep, Set.of());
  }

  /** Other hosts' leases that have been watched for long enough by now. */
  Stream<Subnet> watchedBy(Instant now) {
    return watched.headSet(End.after(now)).stream().map(End::subnet);
  }

  /** When the next will have been watched for long enough. */
  Optional<Instant> nextWatched(Instant now) {
    return Optional.ofNullable(watched.higher(End.after(now))).map(End::at);
  }

  /** Other hosts' leases that ended before some time on the wall, by subnet. */
  List<Known> expiredBefore(Instant wall) {
    return expiries.headSet(new End(wall, null)).stream()
        .filter(end -> end.at().isBefore(wall))
        .map(end -> all.get(end.subnet()))
        .sorted(Comparator.comparing(known -> known.lease().subnet()))
        .toList();
  }

  /** See {@link SharedVteps#sentences}. */
  List<String> sharedVteps() {
    return shared.sentences();
  }
}
