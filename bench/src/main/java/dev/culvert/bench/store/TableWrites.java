// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.store;

import dev.culvert.bench.ResultTable;
import dev.culvert.bench.ResultTable.Row;
import dev.culvert.control.Lease;
import dev.culvert.control.LeaseEvent;
import dev.culvert.control.LeaseStore;
import dev.culvert.control.Overlay;
import dev.culvert.control.store.EventJournal;
import dev.culvert.datapath.Change;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vtep;
import dev.culvert.datapath.table.KernelTables;
import dev.culvert.measure.Statistics;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * From a store's event to the kernel's maps, through a real overlay: many subnets at once, and one
 * among many. The store is in memory, so that nothing but the agent is measured.
 */
final class TableWrites {
  private static final List<Integer> HOSTS = List.of(10, 1000, 10_000);
  private static final int EVENTS = 300;
  private static final int PATIENCE_SECONDS = 60;

  private TableWrites() {}

  /** A store that says what it is told to. */
  private static final class Script implements LeaseStore {
    private final EventJournal journal = new EventJournal("bench-leases");

    void tell(Map<Subnet, Lease> all) {
      journal.update(all, _ -> true);
    }

    void tell(Lease lease) {
      journal.change(lease.subnet(), Optional.of(lease), false);
    }

    @Override
    public List<Lease> list() {
      return journal.known();
    }

    @Override
    public Result acquire(Lease lease) {
      tell(lease.withGeneration(1));
      return new Result.Done(lease.withGeneration(1));
    }

    @Override
    public Result renew(Lease held, Lease wanted) {
      return acquire(wanted);
    }

    @Override
    public void release(Lease held) {
      journal.change(held.subnet(), Optional.empty(), true);
    }

    @Override
    public AutoCloseable watch(Consumer<LeaseEvent> watcher) {
      return journal.watch(watcher);
    }

    @Override
    public void close() {
      journal.close();
    }
  }

  static ResultTable measure(int rounds) {
    List<Row> rows = new ArrayList<>();
    for (int hosts : HOSTS) {
      double[] all = new double[rounds];
      double[] one = new double[rounds];
      double[] allCpu = new double[rounds];
      double[] cpu = new double[rounds];
      for (int round = -1; round < rounds; round++) { // the first is for the compiler
        try (KernelTables kernel = KernelTables.load();
            Script store = new Script()) {
          MemoryTables tables = new MemoryTables(kernel::apply);
          try (Overlay _ = Overlay.start(Hosts.config(0), store, tables)) {
            double cpuAtFirst = cpuMs();
            double allMs = allMs(store, tables, hosts);
            double allCpuMs = cpuMs() - cpuAtFirst;
            if (kernel.size() != hosts + 1) {
              throw new IllegalStateException(
                  "The kernel's map has " + kernel.size() + " subnets in place of " + (hosts + 1));
            }
            double cpuBefore = cpuMs();
            double[] each = oneMs(store, tables);
            if (round >= 0) {
              cpu[round] = (cpuMs() - cpuBefore) / EVENTS;
              all[round] = allMs;
              allCpu[round] = allCpuMs;
              one[round] = Statistics.median(each);
            }
          }
        }
      }
      rows.add(Row.of(hosts, all, allCpu, one, cpu));
    }
    return new ResultTable(
        "From the store's event to the kernel's maps, ms",
        List.of("subnets"),
        List.of("all at once", "CPU for all", "one among them", "CPU for one"),
        rows);
  }

  private static double cpuMs() {
    return ProcessHandle.current().info().totalCpuDuration().orElseThrow().toNanos() / 1e6;
  }

  private static double allMs(Script store, MemoryTables tables, int hosts) {
    CountDownLatch missing = new CountDownLatch(hosts);
    tables.onChange(_ -> missing.countDown());
    Map<Subnet, Lease> all = new TreeMap<>();
    store.list().forEach(lease -> all.put(lease.subnet(), lease));
    Hosts.leases(hosts).forEach(lease -> all.put(lease.subnet(), lease));
    long beganNs = System.nanoTime();
    store.tell(all);
    await(missing);
    return (System.nanoTime() - beganNs) / 1e6;
  }

  /** A host moves, now this one and now that. */
  private static double[] oneMs(Script store, MemoryTables tables) {
    List<Lease> leases =
        store.list().stream().filter(lease -> lease.host().text().startsWith("other")).toList();
    double[] ms = new double[EVENTS];
    for (int i = 0; i < EVENTS; i++) {
      Lease lease = leases.get((int) ((long) i * 7919 % leases.size()));
      Lease moved =
          lease
              .withVtep(
                  new Vtep(Hosts.underlay(300_000 + i), lease.vtep().port(), lease.vtep().mac()))
              .withGeneration(lease.generation() + 1 + i);
      CountDownLatch missing = new CountDownLatch(1);
      tables.onChange(change -> {
        if (change instanceof Change.PutRemote put && put.remote().remote().equals(moved.vtep())) {
          missing.countDown();
        }
      });
      long beganNs = System.nanoTime();
      store.tell(moved);
      await(missing);
      ms[i] = (System.nanoTime() - beganNs) / 1e6;
    }
    return Arrays.copyOf(ms, ms.length);
  }

  private static void await(CountDownLatch missing) {
    try {
      if (!missing.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        throw new IllegalStateException(missing.getCount() + " entries were never written.");
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted while measuring", e);
    }
  }
}
