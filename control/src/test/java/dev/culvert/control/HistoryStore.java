// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.culvert.datapath.Subnet;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The one store of a history, which can be wiped, taken away and made read-only. It knows what was
 * acknowledged, and each machine's view tells of changes when that machine has its turn, on the
 * test's own thread.
 */
final class HistoryStore {
  /** What keeps the leases. */
  interface Backend {
    LeaseStore store();

    /** All is gone at once, and nobody gave anything back. */
    void wipe();

    /** Whether it is there. */
    void mount(boolean there);
  }

  /** As long as the directory store's. */
  private static final Duration LOOKS_NEW = Duration.ofSeconds(3);

  private final Backend backend;
  private final Supplier<Duration> elapsed;
  private final Acknowledged acknowledged = new Acknowledged();
  private boolean away;
  private boolean readOnly;
  private long version;
  private Duration wipedAt;

  HistoryStore(Backend backend, Supplier<Duration> elapsed) {
    this.backend = backend;
    this.elapsed = elapsed;
    this.wipedAt = elapsed.get();
  }

  void wipe() {
    backend.wipe();
    acknowledged.clear();
    wipedAt = elapsed.get();
    version++;
  }

  void setAway(boolean is) {
    if (away != is) {
      backend.mount(!is);
      away = is;
      version++;
    }
  }

  void setReadOnly(boolean is) {
    readOnly = is;
  }

  boolean isWell() {
    return !away && !readOnly;
  }

  /** Whether those who live have had the time to write again what was lost. */
  boolean isSettled() {
    return elapsed.get().minus(wipedAt).compareTo(LOOKS_NEW.multipliedBy(2)) > 0;
  }

  /** What the store holds is what it said that it holds. */
  List<Lease> list() {
    List<Lease> held = backend.store().list();
    assertEquals(acknowledged.leases(), held, "acknowledged, and not there");
    return held;
  }

  private LeaseStore writable() {
    if (readOnly) {
      throw new LeaseStoreException("The store is read-only.");
    }
    return backend.store();
  }

  private LeaseStore.Result note(LeaseStore.Result result) {
    if (result instanceof LeaseStore.Result.Done(Lease lease)) {
      acknowledged.doneLast(lease);
      version++;
    }
    return result;
  }

  View view() {
    return new View();
  }

  /** One machine's. */
  final class View implements LeaseStore {
    private Optional<Consumer<LeaseEvent>> watcher = Optional.empty();
    private SortedMap<Subnet, Lease> told = new TreeMap<>();
    private long toldVersion = -1;
    private long revision;

    /** Its machine has its turn. */
    void tell() {
      if (watcher.isEmpty() || away || toldVersion == version) {
        return;
      }
      toldVersion = version;
      SortedMap<Subnet, Lease> now = new TreeMap<>();
      list().forEach(lease -> now.put(lease.subnet(), lease));
      Set<Subnet> gone = new HashSet<>(told.keySet());
      gone.removeAll(now.keySet());
      for (Subnet subnet : gone) {
        long generation = told.get(subnet).generation();
        boolean back = acknowledged.wasReleased(subnet, generation);
        tell(
            back
                ? new LeaseEvent.Withdrawn(++revision, subnet, generation)
                : new LeaseEvent.Vanished(++revision, subnet, generation));
      }
      now.forEach((subnet, lease) -> announce(lease));
      told = now;
    }

    private void announce(Lease lease) {
      Lease before = told.get(lease.subnet());
      if (before != null && lease.generation() < before.generation()) {
        tell(new LeaseEvent.Withdrawn(++revision, lease.subnet(), before.generation()));
      }
      if (!lease.equals(before)) {
        tell(new LeaseEvent.Announced(++revision, lease));
      }
    }

    private void tell(LeaseEvent event) {
      watcher.orElseThrow().accept(event);
    }

    /** Its process is dead. */
    void forget() {
      watcher = Optional.empty();
    }

    @Override
    public List<Lease> list() {
      return HistoryStore.this.list();
    }

    @Override
    public Result acquire(Lease lease) {
      return note(writable().acquire(lease));
    }

    @Override
    public Result renew(Lease held, Lease wanted) {
      return note(writable().renew(held, wanted));
    }

    @Override
    public void release(Lease held) {
      writable().release(held);
      if (acknowledged.leases().contains(held)) {
        acknowledged.released(held);
        version++;
      }
    }

    @Override
    public AutoCloseable watch(Consumer<LeaseEvent> listener) {
      List<Lease> held = list();
      watcher = Optional.of(listener);
      told = new TreeMap<>();
      held.forEach(lease -> told.put(lease.subnet(), lease));
      toldVersion = version;
      tell(new LeaseEvent.Snapshot(revision, new ArrayList<>(held)));
      return this::forget;
    }

    @Override
    public Optional<Instant> time() {
      return Optional.of(History.BEGIN.plus(elapsed.get()));
    }

    @Override
    public boolean looksNew() {
      return elapsed.get().minus(wipedAt).compareTo(LOOKS_NEW) < 0;
    }

    @Override
    public void close() {}
  }
}
