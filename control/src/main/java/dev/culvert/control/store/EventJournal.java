// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control.store;

import dev.culvert.control.Lease;
import dev.culvert.control.LeaseEvent;
import dev.culvert.control.LeaseStoreException;
import dev.culvert.datapath.Subnet;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Queue;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * The watches of a store, for whoever writes one. Turns "this is what the store holds now" into
 * numbered events, and hands them to every watcher in order, each on a thread of its own: one that
 * is slow keeps no other waiting, and one that falls far behind hears a snapshot in place of what
 * it missed. Methods may be called from any thread.
 */
public final class EventJournal {
  private static final System.Logger LOG = System.getLogger(EventJournal.class.getName());

  /** A watcher with more events than these before it hears a snapshot instead. */
  static final int MOST_WAITING = 10_000;

  /** How long closing a watch waits for an event that is being delivered. */
  private static final long CLOSE_PATIENCE_MS = 1000;

  /** One watcher, and the events for it. Fields are guarded by the journal. */
  private final class Watch implements AutoCloseable {
    private final Consumer<LeaseEvent> watcher;
    private final Queue<LeaseEvent> waiting = new ArrayDeque<>();
    private final Thread thread =
        Thread.ofPlatform().name(threadName).daemon().unstarted(this::deliverAll);

    /** Held while the watcher hears an event. */
    private final ReentrantLock delivering = new ReentrantLock();

    private boolean behind;
    private volatile boolean ended;

    Watch(Consumer<LeaseEvent> watcher) {
      this.watcher = watcher;
    }

    void add(LeaseEvent event) {
      if (behind) {
        return; // the snapshot will hold it
      }
      waiting.add(event);
      if (waiting.size() > MOST_WAITING) {
        waiting.clear();
        behind = true;
      }
    }

    private LeaseEvent take() throws InterruptedException {
      synchronized (EventJournal.this) {
        while (!behind && waiting.isEmpty()) {
          EventJournal.this.wait();
        }
        if (behind) {
          behind = false;
          return new LeaseEvent.Snapshot(revision, known());
        }
        return waiting.remove();
      }
    }

    private void deliverAll() {
      while (!ended) {
        try {
          deliver(take());
        } catch (InterruptedException e) {
          // Whoever closes this watch interrupts it; from anybody else it means nothing.
        }
      }
    }

    private void deliver(LeaseEvent event) {
      delivering.lock();
      try {
        if (!ended) {
          watcher.accept(event);
        }
      } catch (Throwable e) { // also an Error: or this watcher would never hear anything again
        LOG.log(Level.ERROR, "A watcher of leases failed at " + event + "; it hears on.", e);
      } finally {
        delivering.unlock();
      }
    }

    /** No event arrives afterwards, but for one that its watcher is stuck in. */
    @Override
    public void close() {
      synchronized (EventJournal.this) {
        ended = true;
        watches.remove(this);
      }
      try {
        if (delivering.tryLock(CLOSE_PATIENCE_MS, TimeUnit.MILLISECONDS)) {
          delivering.unlock();
        } else {
          LOG.log(Level.WARNING, "A watcher of leases does not come back from an event.");
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      if (Thread.currentThread() != thread) {
        thread.interrupt();
      }
    }
  }

  private final String threadName;
  private final List<Watch> watches = new ArrayList<>();
  private SortedMap<Subnet, Lease> known = new TreeMap<>();
  private long revision;
  private boolean closed;

  /**
   * Of a store that holds nothing yet.
   *
   * @param threadName of its watchers' threads
   */
  public EventJournal(String threadName) {
    Objects.requireNonNull(threadName, "threadName");
    this.threadName = threadName;
  }

  /** {@return what the store held at the last update, ordered by subnet} */
  public synchronized List<Lease> known() {
    return List.copyOf(known.values());
  }

  /**
   * Compares with what was known, and tells the difference. A lease that comes back with an older
   * generation was replaced behind our back (by hand, from a backup): it is told as withdrawn and
   * announced anew, because watchers rightly ignore an older generation.
   *
   * @param now all that the store holds
   * @param wasReleased whether a lease that is no longer there was given back; else it vanished
   */
  public synchronized void update(Map<Subnet, Lease> now, Predicate<Lease> wasReleased) {
    Objects.requireNonNull(now, "now");
    Objects.requireNonNull(wasReleased, "wasReleased");
    SortedMap<Subnet, Lease> before = known;
    known = new TreeMap<>(now);
    before.forEach((subnet, old) -> end(old, known.get(subnet), wasReleased.test(old)));
    known.forEach((subnet, lease) -> begin(before.get(subnet), lease));
    notifyAll();
  }

  /**
   * As {@link #update}, where a single lease has changed: what it costs does not grow with the
   * store.
   *
   * @param subnet whose
   * @param now what the store holds of it; empty where it is gone
   * @param released whether one that is gone was given back; else it vanished
   */
  public synchronized void change(Subnet subnet, Optional<Lease> now, boolean released) {
    Objects.requireNonNull(subnet, "subnet");
    Objects.requireNonNull(now, "now");
    Lease old = now.isPresent() ? known.put(subnet, now.get()) : known.remove(subnet);
    if (old != null) {
      end(old, now.orElse(null), released);
    }
    now.ifPresent(lease -> begin(old, lease));
    notifyAll();
  }

  private void end(Lease old, Lease now, boolean released) {
    boolean replaced = now != null && now.generation() < old.generation();
    if (replaced || (now == null && released)) {
      tell(new LeaseEvent.Withdrawn(++revision, old.subnet(), old.generation()));
    } else if (now == null) {
      tell(new LeaseEvent.Vanished(++revision, old.subnet(), old.generation()));
    }
  }

  private void begin(Lease old, Lease now) {
    if (!now.equals(old)) {
      tell(new LeaseEvent.Announced(++revision, now));
    }
  }

  /**
   * Begins a watch with a snapshot of what is known.
   *
   * @param watcher hears one event at a time
   * @return the caller's to close
   * @throws LeaseStoreException when this is closed
   */
  public synchronized AutoCloseable watch(Consumer<LeaseEvent> watcher) {
    Objects.requireNonNull(watcher, "watcher");
    if (closed) {
      throw new LeaseStoreException("The lease store is closed.");
    }
    Watch watch = new Watch(watcher);
    watches.add(watch);
    watch.add(new LeaseEvent.Snapshot(revision, known()));
    watch.thread.start();
    return watch;
  }

  /** Ends all watches: no event arrives afterwards. */
  public void close() {
    List<Watch> open;
    synchronized (this) {
      closed = true;
      open = List.copyOf(watches);
    }
    open.forEach(Watch::close);
  }

  private void tell(LeaseEvent event) {
    watches.forEach(watch -> watch.add(event));
  }
}
