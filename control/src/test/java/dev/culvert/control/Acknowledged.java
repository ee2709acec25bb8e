// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Subnet;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a store said that it holds. Answers may be noted in another order than they were given in:
 * of two about one subnet that of the greater generation counts.
 */
public final class Acknowledged {
  private final SortedMap<Subnet, Lease> leases = new TreeMap<>();

  /** What was given back, by subnet: the greatest generation. */
  private final Map<Subnet, Long> released = new HashMap<>();

  private final List<String> overwritten = new ArrayList<>();
  private long count;

  public Acknowledged() {}

  /** It holds a lease. */
  public synchronized void done(Lease lease) {
    count++;
    Lease before = leases.get(lease.subnet());
    boolean old = before != null && before.generation() > lease.generation();
    if (before != null && !before.host().equals(lease.host())) {
      overwritten.add(
          "%s was acknowledged to %s, who did not give it back, and then to %s"
              .formatted(lease.subnet(), before.host(), lease.host()));
    }
    if (!old && !wasReleased(lease.subnet(), lease.generation())) {
      leases.put(lease.subnet(), lease);
    }
  }

  /** It holds a lease, and said nothing later: of a store whose generations may fall, too. */
  public synchronized void doneLast(Lease lease) {
    count++;
    leases.put(lease.subnet(), lease);
  }

  /** It was told to give a lease back, so that it need not hold it any more. */
  public synchronized void released(Lease lease) {
    released.merge(lease.subnet(), lease.generation(), Math::max);
    Lease before = leases.get(lease.subnet());
    if (before != null && before.generation() <= lease.generation()) {
      leases.remove(lease.subnet());
    }
  }

  /** Whether a lease of this generation, or of a later one, was given back. */
  public synchronized boolean wasReleased(Subnet subnet, long generation) {
    return released.getOrDefault(subnet, 0L) >= generation;
  }

  /** All was lost, as everybody knows. */
  public synchronized void clear() {
    leases.clear();
    released.clear();
  }

  /** Subnets that it gave to two hosts, each in a sentence: nothing was compared there. */
  public synchronized List<String> overwritten() {
    return List.copyOf(overwritten);
  }

  /** How often it said so, all in all. */
  public synchronized long count() {
    return count;
  }

  /** All of it, ordered by subnet. */
  public synchronized List<Lease> leases() {
    return List.copyOf(leases.values());
  }

  /**
   * Nothing acknowledged is lost: each lease is there, or one of a later generation whose answer
   * may not have arrived.
   *
   * @param held by the store, all of it
   * @return what is missing, empty where nothing is
   */
  public synchronized Optional<String> missing(List<Lease> held) {
    Map<Subnet, Lease> there = new HashMap<>();
    held.forEach(lease -> there.put(lease.subnet(), lease));
    return leases.values().stream()
        .filter(lease -> {
          Lease now = there.get(lease.subnet());
          boolean later = now != null && now.generation() > lease.generation();
          return !later && !lease.equals(now);
        })
        .findFirst()
        .map(lease ->
            "acknowledged, and not there: %s of generation %d; the store has %s"
                .formatted(lease, lease.generation(), there.get(lease.subnet())));
  }
}
