// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Subnet;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What the store holds, as far as its events tell, and since when. Pure. Events may come late,
 * twice or in another order: an older revision never undoes a newer one, and of two announcements
 * the older generation never wins. A snapshot settles everything up to its revision.
 *
 * <p>A lease that vanished, though nobody gave it back, is remembered: its holder may be about to
 * write it again.
 */
final class LeaseView {
  /** So long a vanished lease counts in any case: whoever lives writes it again by then. */
  static final Duration LINGER = Duration.ofSeconds(2);

  /**
   * A lease and since when nobody renewed or changed it, as far as this host has watched. A mere
   * new generation is no sign of life: whoever asks for one writes it.
   */
  record Known(Lease lease, Instant since) {}

  /** What the store held, and when it was gone. */
  private record Vanished(Known known, Instant at) {}

  private final SortedMap<Subnet, Known> leases = new TreeMap<>();
  private final SortedMap<Subnet, Vanished> vanished = new TreeMap<>();

  /** Revision of the last event about a subnet, also of one that is gone. */
  private final Map<Subnet, Long> revisions = new HashMap<>();

  /** Of what there is something else to say than when {@link #takeTouched} was asked last. */
  private final Set<Subnet> touched = new HashSet<>();

  private long snapshotRevision = -1;
  private long revision = -1;
  private boolean synced;

  /**
   * A new watch may count revisions anew; its first event is a snapshot that settles everything.
   */
  void restart() {
    revisions.clear();
    snapshotRevision = -1;
    revision = -1;
  }

  /** Whether a snapshot was seen, so that what is not here is not in the store. */
  boolean isSynced() {
    return synced;
  }

  /** The greatest that was seen, or -1. */
  long revision() {
    return revision;
  }

  /** What the store holds. */
  Collection<Known> known() {
    return leases.values();
  }

  /** Subnets that leases came, changed or went of since this was asked last. */
  Set<Subnet> takeTouched() {
    Set<Subnet> taken = Set.copyOf(touched);
    touched.clear();
    return taken;
  }

  /** What vanished and may still count. */
  Set<Subnet> vanished() {
    return vanished.keySet();
  }

  Optional<Known> known(Subnet subnet) {
    return Optional.ofNullable(leases.get(subnet));
  }

  /**
   * What vanished and still counts.
   *
   * @param keepUntil all that vanished by {@code lostBy} counts until then; in the past where the
   *     store is as it was
   */
  List<Known> lingering(Instant now, Instant lostBy, Instant keepUntil) {
    List<Known> lingering = new ArrayList<>();
    for (Subnet subnet : vanished.keySet()) {
      lingering(subnet, now, lostBy, keepUntil).ifPresent(lingering::add);
    }
    return lingering;
  }

  /** As the other, for one subnet. */
  Optional<Known> lingering(Subnet subnet, Instant now, Instant lostBy, Instant keepUntil) {
    Vanished gone = vanished.get(subnet);
    if (gone == null) {
      return Optional.empty();
    }
    boolean lost = !gone.at().isAfter(lostBy) && now.isBefore(keepUntil);
    boolean counts = lost || now.isBefore(gone.at().plus(LINGER));
    return counts ? Optional.of(gone.known()) : Optional.empty();
  }

  /** Forgets what does not count any more. */
  void forgetVanished(Instant now, Instant keepUntil) {
    vanished
        .values()
        .removeIf(gone -> {
          boolean over = !now.isBefore(gone.at().plus(LINGER)) && !now.isBefore(keepUntil);
          if (over) {
            touched.add(gone.known().lease().subnet());
          }
          return over;
        });
  }

  /** When the next of what vanished may end; the distant future where nothing did. */
  Instant lingersUntil(Instant now) {
    return vanished.values().stream()
        .map(gone -> gone.at().plus(LINGER))
        .filter(end -> end.isAfter(now))
        .min(Instant::compareTo)
        .orElse(Instant.MAX);
  }

  void accept(LeaseEvent event, Instant now) {
    switch (event) {
      case LeaseEvent.Snapshot snapshot -> accept(snapshot, now);
      case LeaseEvent.Announced(long at, Lease lease) -> {
        if (isNews(at, lease.subnet(), lease.generation())) {
          put(lease, now);
        }
      }
      case LeaseEvent.Withdrawn(long at, Subnet subnet, long generation) -> {
        if (isNews(at, subnet, generation)) {
          leases.remove(subnet);
          vanished.remove(subnet);
          touched.add(subnet);
        }
      }
      case LeaseEvent.Vanished(long at, Subnet subnet, long generation) -> {
        if (isNews(at, subnet, generation)) {
          vanish(subnet, now);
        }
      }
    }
    revision = Math.max(revision, event.revision());
  }

  private void accept(LeaseEvent.Snapshot snapshot, Instant now) {
    if (snapshot.revision() < snapshotRevision) {
      return;
    }
    snapshotRevision = snapshot.revision();
    synced = true;
    // An event that overtook the snapshot stays.
    revisions.values().removeIf(at -> at <= snapshotRevision);
    Map<Subnet, Lease> held = new HashMap<>();
    snapshot.leases().forEach(lease -> held.put(lease.subnet(), lease));
    for (Subnet subnet : List.copyOf(leases.keySet())) {
      if (!revisions.containsKey(subnet) && !held.containsKey(subnet)) {
        vanish(subnet, now);
      }
    }
    for (Lease lease : snapshot.leases()) {
      if (!revisions.containsKey(lease.subnet())) {
        put(lease, now);
      }
    }
  }

  private void put(Lease lease, Instant now) {
    Known before = leases.get(lease.subnet());
    boolean same = before != null && isSameClaim(before.lease(), lease);
    leases.put(lease.subnet(), new Known(lease, same ? before.since() : now));
    vanished.remove(lease.subnet());
    touched.add(lease.subnet());
  }

  private static boolean isSameClaim(Lease one, Lease other) {
    return one.withGeneration(0).equals(other.withGeneration(0));
  }

  private void vanish(Subnet subnet, Instant now) {
    Known known = leases.remove(subnet);
    touched.add(subnet);
    if (known != null) {
      vanished.put(subnet, new Vanished(known, now));
    }
  }

  private boolean isNews(long at, Subnet subnet, long generation) {
    if (at <= snapshotRevision || at <= revisions.getOrDefault(subnet, -1L)) {
      return false;
    }
    Known held = leases.get(subnet);
    if (held != null && held.lease().generation() > generation) {
      return false;
    }
    revisions.put(subnet, at);
    return true;
  }
}
