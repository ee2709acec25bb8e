// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.store;

import dev.culvert.control.LeaseStoreException;
import dev.culvert.control.Overlay;
import dev.culvert.datapath.Change;
import dev.culvert.datapath.Subnet;
import dev.culvert.store.etcd.EtcdConfig;
import dev.culvert.store.etcd.EtcdLeaseStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * Many agents in this process: each has an overlay with its own threads, and a store with its own
 * connections; only the tables are in memory.
 */
final class Crowd implements AutoCloseable {
  private static final int PATIENCE_SECONDS = 1200;
  private static final int FEW = 50;

  /**
   * One that has started.
   *
   * @param requests that its store made until the claim was confirmed, its watch included
   */
  record Agent(Overlay overlay, EtcdLeaseStore store, MemoryTables tables, long requests) {
    Subnet subnet() {
      return overlay.status().lease().orElseThrow().subnet();
    }
  }

  private final List<Agent> agents;

  /**
   * From the moment when all began until the last had its subnet; 0 where they began one by one.
   */
  private final double seconds;

  private Crowd(List<Agent> agents, double seconds) {
    this.agents = agents;
    this.seconds = seconds;
  }

  /**
   * Starts so many at once.
   *
   * @param first number of a host
   * @param timeout of their requests; hosts that share two processors are slower than their number
   */
  static Crowd start(Etcd etcd, int count, int first, Duration timeout) {
    CountDownLatch go = new CountDownLatch(1);
    List<Future<Agent>> starting = new ArrayList<>();
    try (ExecutorService threads =
        Executors.newThreadPerTaskExecutor(Thread.ofPlatform().factory())) {
      for (int i = 0; i < count; i++) {
        int number = first + i;
        EtcdLeaseStore store = etcd.open(timeout);
        starting.add(
            threads.submit(() -> {
              go.await();
              return start(number, store);
            }));
      }
      long beganNs = System.nanoTime();
      go.countDown();
      List<Agent> agents = new ArrayList<>();
      for (Future<Agent> agent : starting) {
        agents.add(get(agent));
      }
      return new Crowd(agents, (System.nanoTime() - beganNs) / 1e9);
    }
  }

  /**
   * Starts so many, a few at a time: each hears of all others, so that at once they would take the
   * square of their number. Each has all the others in its table then.
   */
  static Crowd gather(Etcd etcd, int count) {
    List<Agent> agents = new ArrayList<>();
    Crowd crowd = new Crowd(agents, 0);
    for (int first = 0; first < count; first += FEW) {
      agents.addAll(start(etcd, Math.min(FEW, count - first), first, EtcdConfig.TIMEOUT).agents());
      crowd.awaitTables(0);
    }
    return crowd;
  }

  /** A store that is too busy to answer is asked again, as an agent is started again. */
  private static Agent start(int number, EtcdLeaseStore store) {
    while (true) {
      MemoryTables tables = new MemoryTables();
      try {
        Overlay overlay = Overlay.start(Hosts.config(number), store, tables);
        return new Agent(overlay, store, tables, store.requests());
      } catch (LeaseStoreException e) {
        System.out.println("  host-" + number + " starts again: " + e.getMessage());
        Etcd.pause(1000);
      }
    }
  }

  private static Agent get(Future<Agent> agent) {
    try {
      return agent.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (Exception e) {
      throw new IllegalStateException("An agent did not start: " + e, e);
    }
  }

  List<Agent> agents() {
    return agents;
  }

  double seconds() {
    return seconds;
  }

  long distinctSubnets() {
    return agents.stream().map(Agent::subnet).distinct().count();
  }

  /** Waits until each has all the others in its table. */
  void awaitTables(int more) {
    for (Agent agent : agents) {
      for (int waited = 0; agent.tables().size() < agents.size() - 1 + more; waited++) {
        if (waited > PATIENCE_SECONDS * 20) {
          throw new IllegalStateException(
              "A table has " + agent.tables().size() + " entries: " + agent.overlay().status());
        }
        Etcd.pause(50);
      }
    }
  }

  /** Tells the moment, by {@link System#nanoTime}, in which a subnet is in the table of each. */
  Arrivals expect(Subnet subnet) {
    Arrivals arrivals = new Arrivals(agents.size());
    for (int i = 0; i < agents.size(); i++) {
      int number = i;
      agents
          .get(i)
          .tables()
          .onChange(change -> {
            if (change instanceof Change.PutRemote put && put.remote().subnet().equals(subnet)) {
              arrivals.at(number);
            }
          });
    }
    return arrivals;
  }

  /** When each table had what was waited for. */
  static final class Arrivals {
    private final long[] atNs;
    private final CountDownLatch missing;

    Arrivals(int count) {
      atNs = new long[count];
      missing = new CountDownLatch(count);
    }

    private synchronized void at(int number) {
      if (atNs[number] == 0) {
        atNs[number] = System.nanoTime();
        missing.countDown();
      }
    }

    /** Waits for all. */
    double[] msSince(long beganNs) {
      try {
        if (!missing.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
          throw new IllegalStateException(missing.getCount() + " tables never had it.");
        }
      } catch (InterruptedException e) {
        throw new IllegalStateException("interrupted while measuring", e);
      }
      synchronized (this) {
        double[] ms = new double[atNs.length];
        for (int i = 0; i < ms.length; i++) {
          ms[i] = (atNs[i] - beganNs) / 1e6;
        }
        return ms;
      }
    }
  }

  @Override
  public void close() {
    try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
      for (Agent agent : agents) {
        threads.execute(() -> {
          agent.overlay().close();
          agent.store().close();
        });
      }
    }
  }
}
