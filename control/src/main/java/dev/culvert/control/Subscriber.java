// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.function.Consumer;

/**
 * Somebody who is told of events, on a thread of its own: slow, hanging or throwing, it is in
 * nobody's way. So many events wait for it at most; what does not fit is dropped with all that
 * waits, and it gets a snapshot instead.
 */
final class Subscriber implements Overlay.Subscription {
  private static final System.Logger LOG = System.getLogger(Subscriber.class.getName());

  /** Some thousand hosts may come at once, when the store speaks for the first time. */
  static final int ROOM = 10_000;

  private final String threadName;
  private final Consumer<OverlayEvent> receiver;
  private final Queue<OverlayEvent> waiting = new ArrayDeque<>(); // guarded by this
  private OverlayStatus latest; // guarded by this
  private boolean missed; // guarded by this
  private boolean ending; // guarded by this
  private volatile boolean closed;

  private Subscriber(String threadName, Consumer<OverlayEvent> receiver, OverlayStatus now) {
    this.threadName = threadName;
    this.receiver = receiver;
    this.latest = now;
    this.waiting.add(new OverlayEvent.Snapshot(now, false));
  }

  static Subscriber start(String threadName, Consumer<OverlayEvent> receiver, OverlayStatus now) {
    Subscriber subscriber = new Subscriber(threadName, receiver, now);
    Thread _ = Thread.ofPlatform().name(threadName).daemon().start(subscriber::loop);
    return subscriber;
  }

  /**
   * Leaves events for it; never waits.
   *
   * @param now what is so after them
   */
  synchronized void tell(List<OverlayEvent> events, OverlayStatus now) {
    latest = now;
    if (missed || waiting.size() + events.size() > ROOM) {
      missed = true;
      waiting.clear();
    } else {
      waiting.addAll(events);
    }
    notifyAll();
  }

  /** Nothing more will come. */
  synchronized void end() {
    ending = true;
    notifyAll();
  }

  boolean isClosed() {
    return closed;
  }

  @Override
  public synchronized void close() {
    closed = true;
    waiting.clear();
    notifyAll();
  }

  private void loop() {
    for (Optional<OverlayEvent> next = take(); next.isPresent(); next = take()) {
      try {
        receiver.accept(next.get());
      } catch (Throwable e) { // an Error, too: the next event may fare better
        LOG.log(
            Level.ERROR,
            "A subscriber to events ("
                + threadName
                + ") failed at "
                + next.get()
                + " and is told"
                + " of what comes next.",
            e);
        Survivors.tell(e);
      }
    }
  }

  /** Waits; empty when it is told nothing any more. */
  private synchronized Optional<OverlayEvent> take() {
    while (true) {
      if (closed) {
        return Optional.empty();
      }
      if (missed) {
        missed = false;
        return Optional.of(new OverlayEvent.Snapshot(latest, true));
      }
      if (!waiting.isEmpty()) {
        return Optional.of(waiting.remove());
      }
      if (ending) {
        return Optional.empty();
      }
      try {
        wait();
      } catch (InterruptedException e) {
        // The receiver's own doing: there is another way to end.
      }
    }
  }
}
