// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** A store whose calls can be made to fail in whatever way, and counts those that renew. */
final class HostileStore implements LeaseStore {
  private final LeaseStore store;
  final AtomicInteger renewals = new AtomicInteger();

  /** Runs before each call, on the thread of the call. */
  volatile Runnable before = () -> {};

  volatile boolean answersNull;
  volatile Runnable beforeProblems = () -> {};

  HostileStore(LeaseStore store) {
    this.store = store;
  }

  /** Calls from now on do not come back until the latch is counted down, interrupted or not. */
  void hang(CountDownLatch until) {
    before =
        () -> {
          while (until.getCount() > 0) {
            try {
              until.await();
            } catch (InterruptedException e) {
              // As a system call on a dead file server.
            }
          }
        };
  }

  @Override
  public List<Lease> list() {
    before.run();
    return store.list();
  }

  @Override
  public Result acquire(Lease lease) {
    before.run();
    return answersNull ? null : store.acquire(lease);
  }

  @Override
  public Result renew(Lease held, Lease wanted) {
    renewals.incrementAndGet();
    before.run();
    return answersNull ? null : store.renew(held, wanted);
  }

  @Override
  public void release(Lease held) {
    before.run();
    store.release(held);
  }

  @Override
  public AutoCloseable watch(Consumer<LeaseEvent> watcher) {
    before.run();
    AutoCloseable watch = store.watch(watcher);
    return () -> {
      before.run();
      watch.close();
    };
  }

  @Override
  public List<String> problems() {
    beforeProblems.run();
    return store.problems();
  }

  @Override
  public void close() {
    store.close();
  }
}
