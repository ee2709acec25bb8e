// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Subnet;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * A store as they were before renewals named the holder: generations alone are compared, and begin
 * at 1 again with each claim. The histories have to find what is wrong with it.
 */
final class GenerationOnlyStore implements LeaseStore {
  private final SortedMap<Subnet, Lease> leases = new TreeMap<>();

  @Override
  public List<Lease> list() {
    return List.copyOf(leases.values());
  }

  @Override
  public Result acquire(Lease lease) {
    for (Lease other : leases.values()) {
      if (other.subnet().prefix().overlaps(lease.subnet().prefix())) {
        return new Result.Conflict(other);
      }
    }
    return put(lease.withGeneration(1));
  }

  @Override
  public Result renew(Lease held, Lease wanted) {
    Lease current = leases.get(held.subnet());
    if (current == null) {
      return new Result.Gone(held.subnet());
    }
    return current.generation() == held.generation()
        ? put(wanted.withGeneration(held.generation() + 1))
        : new Result.Conflict(current);
  }

  private Result put(Lease lease) {
    leases.put(lease.subnet(), lease);
    return new Result.Done(lease);
  }

  @Override
  public void release(Lease held) {
    leases.remove(held.subnet(), held);
  }

  @Override
  public AutoCloseable watch(Consumer<LeaseEvent> watcher) {
    throw new UnsupportedOperationException("The histories tell of changes themselves.");
  }

  @Override
  public void close() {}
}
