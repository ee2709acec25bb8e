// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * Gives back a lease for a person, in its holder's place: asks first whether the holder lives, as a
 * machine that starts under a taken name does (ADR 0023). On the caller's thread, which waits.
 */
public final class HandRelease {
  /** A holder that is busy would lose its subnet, and whoever types has the time. */
  private static final int PATIENCE = 3;

  private HandRelease() {}

  /**
   * Releases a lease whose holder does not answer within three of the store's reaction times.
   *
   * @param store that holds it
   * @param lease as the store has it, and not a static one, which nobody renews
   * @return false where its holder renewed it, or somebody else changed it: it stays
   * @throws LeaseStoreException when the store does not answer
   */
  public static boolean ofSilent(LeaseStore store, Lease lease) {
    Objects.requireNonNull(store, "store");
    Objects.requireNonNull(lease, "lease");
    return ofSilent(store, lease, TimeSource.system());
  }

  static boolean ofSilent(LeaseStore store, Lease lease, TimeSource time) {
    Duration patience = store.reactionTime().multipliedBy(PATIENCE);
    Optional<Lease> silent =
        new Challenge(store, new SteadyClock(time)).unanswered(lease, patience);
    silent.ifPresent(store::release);
    return silent.isPresent();
  }
}
