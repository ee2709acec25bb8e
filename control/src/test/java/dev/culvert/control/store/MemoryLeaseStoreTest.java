// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control.store;

import dev.culvert.control.Lease;
import dev.culvert.control.LeaseEvent;
import dev.culvert.control.LeaseStore;
import dev.culvert.control.NetworkSettings;
import dev.culvert.datapath.Vni;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

final class MemoryLeaseStoreTest extends LeaseStoreContract {
  private final MemoryLeaseStore leases = new MemoryLeaseStore();

  /** "Another instance" of a memory store is the same one; closing such a view closes nothing. */
  @Override
  protected LeaseStore open() {
    return new LeaseStore() {
      @Override
      public List<Lease> list() {
        return leases.list();
      }

      @Override
      public Result acquire(Lease lease) {
        return leases.acquire(lease);
      }

      @Override
      public Result renew(Lease held, Lease wanted) {
        return leases.renew(held, wanted);
      }

      @Override
      public void release(Lease held) {
        leases.release(held);
      }

      @Override
      public Optional<NetworkSettings> network(Vni vni) {
        return leases.network(vni);
      }

      @Override
      public boolean putNetwork(
          Vni vni, Optional<NetworkSettings> expected, Optional<NetworkSettings> wanted) {
        return leases.putNetwork(vni, expected, wanted);
      }

      @Override
      public AutoCloseable watch(Consumer<LeaseEvent> watcher) {
        return leases.watch(watcher);
      }

      @Override
      public List<String> problems() {
        return leases.problems();
      }

      @Override
      public void close() {}
    };
  }

  @Override
  protected void closeForGood(LeaseStore view) {
    leases.close();
  }
}
