// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.store;

import dev.culvert.bench.ResultTable;
import dev.culvert.bench.ResultTable.Row;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;

/** What an agent holds and asks for while nothing happens, by the number of hosts in the store. */
final class Idle {
  private static final List<Integer> HOSTS = List.of(10, 1000, 10_000);
  private static final int SECONDS = 65; // an audit of all is once in a minute
  private static final double HOUR = 3600;
  private static final double MEGABYTE = 1e6;

  private Idle() {}

  static ResultTable measure(int rounds) {
    List<Row> rows = new ArrayList<>();
    for (int hosts : HOSTS) {
      double[] heap = new double[rounds];
      double[] requests = new double[rounds];
      double[] cpu = new double[rounds];
      for (int round = 0; round < rounds; round++) {
        try (Etcd etcd = Etcd.settled()) {
          etcd.put(Hosts.leases(hosts - 1));
          double without = heapBytes();
          try (Crowd one = Crowd.gather(etcd, 1)) {
            one.awaitTables(hosts - 1);
            Etcd.pause(3000);
            heap[round] = (heapBytes() - without) / MEGABYTE;
            long before = one.agents().getFirst().store().requests();
            double cpuBefore = cpuSeconds();
            Etcd.pause(SECONDS * 1000L);
            cpu[round] = (cpuSeconds() - cpuBefore) * HOUR / SECONDS;
            requests[round] =
                (one.agents().getFirst().store().requests() - before) * HOUR / SECONDS;
            System.out.printf(
                "  %d hosts: %.2f MB, %.0f requests and %.1f CPU seconds an hour%n",
                hosts, heap[round], requests[round], cpu[round]);
          }
        }
      }
      rows.add(Row.of(hosts, heap, requests, cpu));
    }
    return new ResultTable(
        "An idle agent, by the number of hosts in etcd",
        List.of("hosts"),
        List.of("live heap, MB", "requests an hour", "CPU seconds an hour"),
        rows);
  }

  private static double heapBytes() {
    for (int i = 0; i < 3; i++) {
      System.gc();
      Etcd.pause(100);
    }
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  private static double cpuSeconds() {
    return ProcessHandle.current().info().totalCpuDuration().orElseThrow().toNanos() / 1e9;
  }
}
