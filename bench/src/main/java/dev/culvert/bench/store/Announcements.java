// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.store;

import dev.culvert.bench.ResultTable;
import dev.culvert.bench.ResultTable.Row;
import dev.culvert.control.Lease;
import dev.culvert.measure.Statistics;
import java.util.List;

/** From the moment that a lease is sent to etcd until it is in the table of the last of all. */
final class Announcements {
  /** In each round. */
  private static final int EVENTS = 40;

  private Announcements() {}

  static ResultTable measure(int hosts, int rounds) {
    double[] median = new double[rounds];
    double[] p99 = new double[rounds];
    double[] worst = new double[rounds];
    try (Etcd etcd = Etcd.settled();
        Crowd crowd = Crowd.gather(etcd, hosts)) {
      for (int round = -1; round < rounds; round++) { // the first is for the compiler
        double[] last = new double[EVENTS];
        for (int i = 0; i < EVENTS; i++) {
          last[i] = lastMs(etcd, crowd, Hosts.lease((round + 1) * EVENTS + i));
          Etcd.pause(100);
        }
        if (round >= 0) {
          median[round] = Statistics.median(last);
          p99[round] = Statistics.quantile(last, 0.99);
          worst[round] = Statistics.quantile(last, 1);
          System.out.printf(
              "  announcement to the last of %d tables: median %.0f ms, 99 %% %.0f ms%n",
              hosts, median[round], p99[round]);
        }
      }
    }
    return new ResultTable(
        "From sending a lease to etcd to the last table, ms",
        List.of("hosts"),
        List.of("median", "99 %", "longest"),
        List.of(Row.of(hosts, median, p99, worst)));
  }

  static double lastMs(Etcd etcd, Crowd crowd, Lease lease) {
    Crowd.Arrivals arrivals = crowd.expect(lease.subnet());
    long beganNs = System.nanoTime();
    etcd.put(List.of(lease));
    return Statistics.quantile(arrivals.msSince(beganNs), 1);
  }
}
