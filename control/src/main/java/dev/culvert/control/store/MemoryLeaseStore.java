// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control.store;

import dev.culvert.control.Lease;
import dev.culvert.control.LeaseEvent;
import dev.culvert.control.LeaseStore;
import dev.culvert.control.LeaseStoreException;
import dev.culvert.control.NetworkSettings;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * A store for one JVM: several overlays in it see each other's leases, and all is gone with it. For
 * tests and for embedders that bring their own leases. Any thread may call it.
 */
public final class MemoryLeaseStore implements LeaseStore {
  private static final String CLOSED =
      "The memory store was closed while an overlay uses it; close overlays first.";

  private final SortedMap<Subnet, Lease> leases = new TreeMap<>();
  private final Map<Subnet, Long> generations = new HashMap<>();
  private final Map<Vni, NetworkSettings> networks = new HashMap<>();
  private final EventJournal journal = new EventJournal("culvert-memory-leases");
  private boolean closed;

  /** An empty store. */
  public MemoryLeaseStore() {}

  @Override
  public synchronized List<Lease> list() {
    requireOpen();
    return List.copyOf(leases.values());
  }

  @Override
  public synchronized Result acquire(Lease lease) {
    Objects.requireNonNull(lease, "lease");
    requireOpen();
    Optional<Lease> taken = Overlaps.find(lease.subnet(), leases.values());
    if (taken.isPresent()) {
      return new Result.Conflict(taken.get());
    }
    long next = generations.getOrDefault(lease.subnet(), 0L) + 1;
    return put(lease.withGeneration(Math.max(next, lease.generation())));
  }

  @Override
  public synchronized Result renew(Lease held, Lease wanted) {
    Objects.requireNonNull(held, "held");
    Objects.requireNonNull(wanted, "wanted");
    requireOpen();
    Lease current = leases.get(held.subnet());
    if (current == null) {
      return new Result.Gone(held.subnet());
    }
    if (!current.equals(held)) {
      return new Result.Conflict(current);
    }
    return put(wanted.withGeneration(Math.max(held.generation() + 1, wanted.generation())));
  }

  @Override
  public synchronized void release(Lease held) {
    Objects.requireNonNull(held, "held");
    requireOpen();
    if (leases.remove(held.subnet(), held)) {
      journal.update(leases, _ -> true);
    }
  }

  @Override
  public synchronized Optional<NetworkSettings> network(Vni vni) {
    Objects.requireNonNull(vni, "vni");
    requireOpen();
    return Optional.ofNullable(networks.get(vni));
  }

  @Override
  public synchronized boolean putNetwork(
      Vni vni, Optional<NetworkSettings> expected, Optional<NetworkSettings> wanted) {
    Objects.requireNonNull(vni, "vni");
    Objects.requireNonNull(expected, "expected");
    Objects.requireNonNull(wanted, "wanted");
    wanted.ifPresent(settings -> settings.require(vni));
    requireOpen();
    if (!Optional.ofNullable(networks.get(vni)).equals(expected)) {
      return false;
    }
    wanted.ifPresentOrElse(put -> networks.put(vni, put), () -> networks.remove(vni));
    return true;
  }

  @Override
  public synchronized AutoCloseable watch(Consumer<LeaseEvent> watcher) {
    Objects.requireNonNull(watcher, "watcher");
    return journal.watch(watcher);
  }

  /** Within one process, and with room for a busy machine. */
  @Override
  public Duration reactionTime() {
    return Duration.ofMillis(300);
  }

  @Override
  public synchronized List<String> problems() {
    return closed ? List.of(CLOSED) : List.of();
  }

  @Override
  public void close() {
    synchronized (this) {
      closed = true;
    }
    journal.close();
  }

  private void requireOpen() {
    if (closed) {
      throw new LeaseStoreException(CLOSED);
    }
  }

  private Result put(Lease lease) {
    leases.put(lease.subnet(), lease);
    generations.put(lease.subnet(), lease.generation());
    journal.update(leases, _ -> true);
    return new Result.Done(lease);
  }
}
