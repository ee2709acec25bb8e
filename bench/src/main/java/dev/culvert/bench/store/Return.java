// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.store;

import dev.culvert.bench.ResultTable;
import dev.culvert.bench.ResultTable.Row;
import dev.culvert.control.Lease;
import dev.culvert.measure.Statistics;
import java.util.List;

/** An etcd that was killed comes back with news: until each host has them. */
final class Return {
  private static final int AWAY_MS = 5000;

  private Return() {}

  static ResultTable measure(int hosts, int rounds) {
    double[] half = new double[rounds];
    double[] p99 = new double[rounds];
    double[] last = new double[rounds];
    try (Etcd etcd = Etcd.settled();
        Crowd crowd = Crowd.gather(etcd, hosts)) {
      for (int round = -1; round < rounds; round++) { // the first is for the compiler
        Lease news = Hosts.lease(round + 1);
        Crowd.Arrivals arrivals = crowd.expect(news.subnet());
        etcd.kill();
        Etcd.pause(AWAY_MS);
        etcd.start();
        etcd.awaitAnswer();
        long backNs = System.nanoTime();
        etcd.put(List.of(news));
        double[] ms = arrivals.msSince(backNs);
        if (round >= 0) {
          half[round] = Statistics.median(ms);
          p99[round] = Statistics.quantile(ms, 0.99);
          last[round] = Statistics.quantile(ms, 1);
          System.out.printf(
              "  back: half of %d within %.0f ms, 99 %% within %.0f ms, all within %.0f ms%n",
              hosts, half[round], p99[round], last[round]);
        }
        Etcd.pause(AWAY_MS);
      }
    }
    return new ResultTable(
        "From etcd's first answer after its restart to a host that has what was written then, ms",
        List.of("hosts"),
        List.of("half of them", "99 % of them", "all"),
        List.of(Row.of(hosts, half, p99, last)));
  }
}
