// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control.store;

import dev.culvert.control.Lease;
import dev.culvert.control.LeaseEvent;
import dev.culvert.datapath.Subnet;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;

/**
 * Turns "this is what the store holds now" into numbered events, and hands them to every watcher in
 * order on one thread of its own. Methods may be called from any thread.
 */
final class EventJournal {
  private static final System.Logger LOG = System.getLogger(EventJournal.class.getName());

  /** One watcher; its monitor makes sure that no event arrives after close. */
  private final class Watch implements AutoCloseable {
    private final Consumer<LeaseEvent> watcher;
    private boolean closed;

    Watch(Consumer<LeaseEvent> watcher) {
      this.watcher = watcher;
    }

    synchronized void deliver(LeaseEvent event) {
      if (closed) {
        return;
      }
      try {
        watcher.accept(event);
      } catch (RuntimeException e) {
        LOG.log(Level.ERROR, "A watcher of leases failed at " + event + "; it hears on.", e);
      }
    }

    @Override
    public void close() {
      synchronized (this) {
        closed = true;
      }
      synchronized (EventJournal.this) {
        watches.remove(this);
      }
    }
  }

  private record Delivery(Watch watch, LeaseEvent event) {}

  private final String threadName;
  private final List<Watch> watches = new ArrayList<>();
  private final BlockingQueue<Delivery> deliveries = new LinkedBlockingQueue<>();
  private SortedMap<Subnet, Lease> known = new TreeMap<>();
  private long revision;
  private Thread thread;
  private boolean closed;

  EventJournal(String threadName) {
    this.threadName = threadName;
  }

  /** What the store held at the last {@link #update}. */
  synchronized List<Lease> known() {
    return List.copyOf(known.values());
  }

  /**
   * Compares with what was known, and tells the difference. A lease that comes back with an older
   * generation was replaced behind our back (by hand, from a backup): it is told as withdrawn and
   * announced anew, because watchers rightly ignore an older generation.
   */
  synchronized void update(Map<Subnet, Lease> now) {
    SortedMap<Subnet, Lease> next = new TreeMap<>(now);
    known.forEach((subnet, old) -> {
      Lease lease = next.get(subnet);
      if (lease == null || lease.generation() < old.generation()) {
        tell(new LeaseEvent.Withdrawn(++revision, subnet, old.generation()));
      }
    });
    next.forEach((subnet, lease) -> {
      if (!lease.equals(known.get(subnet))) {
        tell(new LeaseEvent.Announced(++revision, lease));
      }
    });
    known = next;
  }

  synchronized AutoCloseable watch(Consumer<LeaseEvent> watcher) {
    if (closed) {
      throw new IllegalStateException("The lease store is closed.");
    }
    if (thread == null) {
      thread = Thread.ofPlatform().name(threadName).daemon().start(this::deliverAll);
    }
    Watch watch = new Watch(watcher);
    watches.add(watch);
    deliveries.add(new Delivery(watch, new LeaseEvent.Snapshot(revision, known())));
    return watch;
  }

  /** No event arrives afterwards. */
  void close() {
    List<Watch> open;
    synchronized (this) {
      closed = true;
      open = List.copyOf(watches);
      if (thread != null) {
        thread.interrupt();
      }
    }
    open.forEach(Watch::close);
  }

  private void tell(LeaseEvent event) {
    watches.forEach(watch -> deliveries.add(new Delivery(watch, event)));
  }

  private void deliverAll() {
    try {
      while (true) {
        Delivery delivery = deliveries.take();
        delivery.watch().deliver(delivery.event());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // closed
    }
  }
}
