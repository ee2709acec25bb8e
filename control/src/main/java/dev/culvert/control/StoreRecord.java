// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * What one lease's dealings with the store tell of the store: whether it takes writes, and whether
 * it is the one that it was. Pure; used by the overlay's thread alone.
 */
final class StoreRecord {
  private final Duration leaseDuration;
  private Optional<Instant> wroteAt = Optional.empty();
  private Optional<Instant> failedAt = Optional.empty();

  /** When our lease was found to be gone from the store though nobody gave it back. */
  private Optional<Instant> missingSince = Optional.empty();

  StoreRecord(Duration leaseDuration) {
    this.leaseDuration = leaseDuration;
  }

  void wrote(Instant at) {
    wroteAt = Optional.of(at);
  }

  void failed(Instant at) {
    failedAt = Optional.of(at);
  }

  void missing(Instant at) {
    missingSince = Optional.of(at);
  }

  /** When the store last took a write of ours. */
  Optional<Instant> wroteAt() {
    return wroteAt;
  }

  /** Whether it is some time ago that the store failed us, or it never did. */
  boolean isSettled(Instant now) {
    return failedAt.filter(at -> !now.isAfter(at.plus(StoreLink.SETTLING))).isEmpty();
  }

  /** What else was lost with our lease, was lost by then. */
  Instant lostBy() {
    return missingSince.map(since -> since.plus(StoreLink.SETTLING)).orElse(Instant.MIN);
  }

  /** Until then what the store lost counts: as long as a holder that is dead would have counted. */
  Instant keepLostUntil() {
    return missingSince
        .map(since -> since.plus(leaseDuration).plus(OverlayTable.grace(leaseDuration)))
        .orElse(Instant.MIN);
  }
}
