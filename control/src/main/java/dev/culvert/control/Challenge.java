// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.control.LeaseStore.Result;
import java.time.Duration;
import java.util.Optional;

/**
 * Finds out whether the holder of a lease lives: writes the lease anew as it is, in the next
 * generation, which a living holder hears of and answers by renewing it. Asks no clock of
 * anybody's, and leaves the lease as long as it was.
 */
final class Challenge {
  /** When the store is asked first for an answer: most who live give it at once. */
  private static final Duration FIRST = Duration.ofMillis(100);

  /** It is asked less and less often, but not less often than this. */
  private static final Duration LONGEST = Duration.ofSeconds(1);

  private final LeaseStore store;
  private final SteadyClock clock;

  Challenge(LeaseStore store, SteadyClock clock) {
    this.store = store;
    this.clock = clock;
  }

  /**
   * Waits for an answer.
   *
   * @param held not a static one, which nobody renews
   * @param patience how long to wait; at least the store's reaction time
   * @return the lease as it stands, for whoever takes it over; empty when somebody renewed, changed
   *     or removed it
   * @throws LeaseStoreException when the store does not answer
   */
  Optional<Lease> unanswered(Lease held, Duration patience) {
    if (!(store.renew(held, held) instanceof Result.Done(Lease touched))) {
      return Optional.empty();
    }
    Duration waited = Duration.ZERO;
    Duration next = FIRST;
    while (waited.compareTo(patience) < 0) {
      Duration left = patience.minus(waited);
      Duration pause = next.compareTo(left) < 0 ? next : left;
      clock.pause(pause);
      waited = waited.plus(pause);
      if (!store.holds(touched)) {
        return Optional.empty();
      }
      Duration longer = next.multipliedBy(2);
      next = longer.compareTo(LONGEST) < 0 ? longer : LONGEST;
    }
    return Optional.of(touched);
  }
}
