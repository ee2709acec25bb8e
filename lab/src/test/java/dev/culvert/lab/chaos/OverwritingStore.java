// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.chaos;

import dev.culvert.control.Lease;
import dev.culvert.control.LeaseEvent;
import dev.culvert.control.LeaseStore;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A store that is broken on purpose: a renewal compares nothing and overwrites what is there, as
 * those do that renew by a mere "put". The chaos has to find it.
 */
final class OverwritingStore implements LeaseStore {
  private final LeaseStore store;

  OverwritingStore(LeaseStore store) {
    this.store = store;
  }

  @Override
  public Result renew(Lease held, Lease wanted) {
    Lease there =
        store.list().stream()
            .filter(lease -> lease.subnet().equals(held.subnet()))
            .findFirst()
            .orElse(held);
    return store.renew(there, wanted);
  }

  @Override
  public List<Lease> list() {
    return store.list();
  }

  @Override
  public Result acquire(Lease lease) {
    return store.acquire(lease);
  }

  @Override
  public void release(Lease held) {
    store.release(held);
  }

  @Override
  public AutoCloseable watch(Consumer<LeaseEvent> watcher) {
    return store.watch(watcher);
  }

  @Override
  public Optional<Instant> time() {
    return store.time();
  }

  @Override
  public boolean looksNew() {
    return store.looksNew();
  }

  @Override
  public List<String> problems() {
    return store.problems();
  }

  @Override
  public void close() {
    store.close();
  }
}
