// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vtep;
import dev.culvert.kernel.RefusedException;
import java.time.Instant;
import java.util.Optional;

/**
 * One host's claim on one subnet.
 *
 * @param host the holder's name, unique in the network
 * @param generation raised by one at each change of this subnet's lease; an older one never wins. A
 *     store sets it; 0 means not stored yet
 * @param expires empty for a static lease, which never ends by itself
 */
public record Lease(
    Subnet subnet, HostName host, Vtep vtep, long generation, Optional<Instant> expires) {
  private static final Instant EARLIEST = Instant.EPOCH;
  private static final Instant LATEST = Instant.parse("9999-12-31T23:59:59Z");

  /**
   * Checks generation and end.
   *
   * @throws RefusedException for a negative generation, or an end outside the years 1970 to 9999
   */
  public Lease {
    if (generation < 0) {
      throw new RefusedException(
          "The generation " + generation + " of the lease of " + subnet + " is negative.");
    }
    if (expires.isPresent()
        && (expires.get().isBefore(EARLIEST) || expires.get().isAfter(LATEST))) {
      throw new RefusedException(
          "The lease of "
              + subnet
              + " cannot end at "
              + expires.get()
              + ": give a time from 1970 to 9999, or none for a static lease.");
    }
  }

  /** The same claim in another generation. */
  public Lease withGeneration(long other) {
    return new Lease(subnet, host, vtep, other, expires);
  }

  /** Whether it ended before {@code now}; a static lease never does. */
  public boolean isExpired(Instant now) {
    return expires.isPresent() && expires.get().isBefore(now);
  }

  /** As in {@code 10.244.1.0/24 (VNI 1) of host-01}. */
  @Override
  public String toString() {
    return subnet + " of " + host;
  }
}
