// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import java.time.Instant;
import java.util.Optional;

/**
 * By what other hosts' leases are judged. No clock that somebody set decides alone: a lease is over
 * when this host has watched it for its whole time without a renewal, and the store took writes.
 *
 * @param now by the clock that does not jump
 * @param wall by the machine's clock, which leases are written by
 * @param proven when the store last took a write, as far as this host knows; empty while it takes
 *     none, or has not done so for long enough that everybody had the time to renew
 */
record Judgement(Instant now, Instant wall, Optional<Instant> proven) {}
