// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.chaos;

import dev.culvert.control.Acknowledged;
import dev.culvert.control.Lease;
import dev.culvert.control.LeaseEvent;
import dev.culvert.control.LeaseStore;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** A simulated agent's store: silent while the agent is frozen, and what it says is recorded. */
final class GatedStore implements LeaseStore {
  private final LeaseStore store;
  private final Gate gate;
  private final Acknowledged acknowledged;

  GatedStore(LeaseStore store, Gate gate, Acknowledged acknowledged) {
    this.store = store;
    this.gate = gate;
    this.acknowledged = acknowledged;
  }

  private <T> T ask(Supplier<T> question) {
    gate.pass();
    T answer = question.get();
    if (answer instanceof Result.Done(Lease lease)) {
      acknowledged.done(lease);
    }
    gate.pass();
    return answer;
  }

  @Override
  public List<Lease> list() {
    return ask(store::list);
  }

  @Override
  public Result acquire(Lease lease) {
    return ask(() -> store.acquire(lease));
  }

  @Override
  public Result renew(Lease held, Lease wanted) {
    return ask(() -> store.renew(held, wanted));
  }

  @Override
  public void release(Lease held) {
    gate.pass();
    acknowledged.released(held); // also when the answer is lost
    store.release(held);
    gate.pass();
  }

  @Override
  public AutoCloseable watch(Consumer<LeaseEvent> watcher) {
    return ask(() ->
        store.watch(event -> {
          gate.pass();
          watcher.accept(event);
        }));
  }

  @Override
  public Duration reactionTime() {
    return store.reactionTime();
  }

  @Override
  public Duration returnTime() {
    return store.returnTime();
  }

  @Override
  public Optional<Instant> time() {
    return ask(store::time);
  }

  @Override
  public boolean looksNew() {
    return ask(store::looksNew);
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
