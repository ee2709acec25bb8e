// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control.store;

import dev.culvert.control.Lease;
import dev.culvert.control.LeaseEvent;
import dev.culvert.control.LeaseStore;
import dev.culvert.datapath.Subnet;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * A store for one JVM: several overlays in it see each other's leases, and all is gone with it. For
 * tests and for embedders that bring their own leases. Any thread may call it.
 */
public final class MemoryLeaseStore implements LeaseStore {
  private final SortedMap<Subnet, Lease> leases = new TreeMap<>();
  private final EventJournal journal = new EventJournal("culvert-memory-leases");

  public MemoryLeaseStore() {}

  @Override
  public synchronized List<Lease> list() {
    return List.copyOf(leases.values());
  }

  @Override
  public synchronized Result acquire(Lease lease) {
    Optional<Lease> taken = Overlaps.find(lease.subnet(), leases.values());
    if (taken.isPresent()) {
      return new Result.Conflict(taken.get());
    }
    return put(lease.withGeneration(Math.max(1, lease.generation())));
  }

  @Override
  public synchronized Result renew(Lease lease, long expectedGeneration) {
    Lease current = leases.get(lease.subnet());
    if (current == null) {
      return new Result.Gone(lease.subnet());
    }
    if (current.generation() != expectedGeneration) {
      return new Result.Conflict(current);
    }
    return put(lease.withGeneration(expectedGeneration + 1));
  }

  @Override
  public synchronized void release(Subnet subnet, long generation) {
    Lease current = leases.get(subnet);
    if (current != null && current.generation() == generation) {
      leases.remove(subnet);
      journal.update(leases);
    }
  }

  @Override
  public synchronized AutoCloseable watch(Consumer<LeaseEvent> watcher) {
    return journal.watch(watcher);
  }

  @Override
  public void close() {
    journal.close();
  }

  private Result put(Lease lease) {
    leases.put(lease.subnet(), lease);
    journal.update(leases);
    return new Result.Done(lease);
  }
}
