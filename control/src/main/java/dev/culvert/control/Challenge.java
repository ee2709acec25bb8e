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
  /** How often the store is asked for an answer. */
  private static final Duration POLL = Duration.ofMillis(100);

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
    do {
      clock.pause(POLL);
      waited = waited.plus(POLL);
      if (!store.list().contains(touched)) {
        return Optional.empty();
      }
    } while (waited.compareTo(patience) < 0);
    return Optional.of(touched);
  }
}
