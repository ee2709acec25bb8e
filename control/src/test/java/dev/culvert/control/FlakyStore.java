// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Vni;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** A store that can be made unreachable or read-only, made to look new, and given a clock. */
final class FlakyStore implements LeaseStore {
  private final LeaseStore store;
  private volatile boolean away;
  private volatile boolean readOnly;
  private volatile boolean looksNew;
  private volatile boolean networksLost;
  private volatile Optional<Instant> time = Optional.empty();

  FlakyStore(LeaseStore store) {
    this.store = store;
  }

  void setAway(boolean isAway) {
    away = isAway;
  }

  void setReadOnly(boolean is) {
    readOnly = is;
  }

  void setLooksNew(boolean is) {
    looksNew = is;
  }

  void setTime(Instant is) {
    time = Optional.of(is);
  }

  /** As if what hosts agree on had been deleted, until somebody writes it again. */
  void loseNetworks() {
    networksLost = true;
  }

  boolean isNetworkLost() {
    return networksLost;
  }

  private LeaseStore reach() {
    if (away) {
      throw new LeaseStoreException("The store is away; wait for it.");
    }
    return store;
  }

  private LeaseStore write() {
    if (readOnly) {
      throw new LeaseStoreException("The store is read-only; wait for it.");
    }
    return reach();
  }

  @Override
  public List<Lease> list() {
    return reach().list();
  }

  @Override
  public Result acquire(Lease lease) {
    return write().acquire(lease);
  }

  @Override
  public Result renew(Lease held, Lease wanted) {
    return write().renew(held, wanted);
  }

  @Override
  public void release(Lease held) {
    write().release(held);
  }

  @Override
  public AutoCloseable watch(Consumer<LeaseEvent> watcher) {
    return reach().watch(watcher);
  }

  @Override
  public Optional<NetworkSettings> network(Vni vni) {
    return networksLost ? Optional.empty() : reach().network(vni);
  }

  @Override
  public boolean putNetwork(
      Vni vni, Optional<NetworkSettings> expected, Optional<NetworkSettings> wanted) {
    boolean again = networksLost && expected.isEmpty();
    networksLost &= !again;
    return again || write().putNetwork(vni, expected, wanted);
  }

  @Override
  public Optional<Instant> time() {
    return time;
  }

  @Override
  public boolean looksNew() {
    return looksNew;
  }

  @Override
  public void close() {
    store.close();
  }
}
