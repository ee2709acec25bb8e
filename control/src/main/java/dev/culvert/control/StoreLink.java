// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The watch of the store, and whether the store answers. Used by the overlay's thread alone; events
 * go to the listener on the store's thread.
 */
final class StoreLink {
  /** How often a silent store is asked whether it is there. */
  private static final Duration PROBE_PERIOD = Duration.ofSeconds(10);

  /**
   * How often where nothing is watched yet: this host hears nobody's question whether it lives (see
   * {@link Challenge}).
   */
  static final Duration DEAF_PERIOD = Duration.ofSeconds(1);

  /**
   * How long the store must have been there before what it did not say counts: renewals that we
   * missed while it was away need time to arrive.
   */
  static final Duration SETTLING = Duration.ofMinutes(1);

  /** Nobody sees the difference; in a burst there is an event each millisecond. */
  private static final Duration MOMENT = Duration.ofMillis(100);

  private final LeaseStore store;
  private final Consumer<LeaseEvent> listener;
  private Optional<AutoCloseable> watch = Optional.empty();
  private Optional<String> outage = Optional.empty();
  private Optional<Instant> connectedSince = Optional.empty();
  private Optional<Instant> changedAt = Optional.empty();
  private Instant probeAt = Instant.EPOCH;

  /** The store's own problems, and when it was asked for them. */
  private List<String> said = List.of();

  private long askedNs = System.nanoTime() - MOMENT.toNanos() - 1;

  StoreLink(LeaseStore store, Consumer<LeaseEvent> listener) {
    this.store = store;
    this.listener = listener;
  }

  boolean isConnected() {
    return connectedSince.isPresent();
  }

  /** Connected long enough to trust in what it says no more. */
  boolean isSettled(Instant now) {
    return connectedSince.filter(since -> !now.isBefore(since.plus(SETTLING))).isPresent();
  }

  /** When the store last told of a change, so that somebody could write. */
  Optional<Instant> changedAt() {
    return changedAt;
  }

  /** An event came, so the store is there. */
  void heard(LeaseEvent event, Instant now) {
    if (!(event instanceof LeaseEvent.Snapshot)) {
      changedAt = Optional.of(now);
    }
    if (connectedSince.isEmpty()) {
      probeAt = now;
    }
  }

  Instant nextDeadline() {
    return probeAt;
  }

  /**
   * Watches where nothing is watched yet, and asks the store whether it is there.
   *
   * @return whether a new watch began
   */
  boolean doWork(Instant now) {
    if (now.isBefore(probeAt)) {
      return false;
    }
    boolean began = watch.isEmpty();
    probeAt = now.plus(began ? DEAF_PERIOD : PROBE_PERIOD);
    try {
      if (began) {
        watch = Optional.of(store.watch(listener));
      } else {
        store.probe();
      }
      outage = Optional.empty();
      connectedSince = connectedSince.or(() -> Optional.of(now));
      return began;
    } catch (RuntimeException e) {
      connectedSince = Optional.empty();
      outage =
          Optional.of(
              "The lease store does not answer, and everything stays as it is until it does: "
                  + (e.getMessage() != null ? e.getMessage() : e));
      return false;
    }
  }

  /**
   * Of the store, and of its watch.
   *
   * @param exact whether what the store said a moment ago will not do: asking it takes longer than
   *     all else that an event asks for
   */
  List<String> problems(boolean exact) {
    if (exact || System.nanoTime() - askedNs > MOMENT.toNanos()) {
      said = store.problems();
      askedNs = System.nanoTime();
    }
    List<String> problems = new ArrayList<>();
    outage.ifPresent(problems::add);
    problems.addAll(said);
    return problems;
  }

  void close() {
    probeAt = Instant.MAX;
    if (watch.isPresent()) {
      try {
        watch.get().close();
      } catch (Exception e) {
        outage = Optional.of("The watch of the lease store did not close: " + e);
      }
      watch = Optional.empty();
    }
  }
}
