// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import java.util.Objects;

/**
 * How much passed, since the datapath was made or since it was counted from.
 *
 * @param packets a superpacket (GSO, GRO) counts once
 * @param bytes with Ethernet headers, without encapsulation
 */
public record Counter(long packets, long bytes) {
  /**
   * {@return the sum of both, packets and bytes each}
   *
   * @param other counts other packets, or some would count twice
   */
  public Counter plus(Counter other) {
    Objects.requireNonNull(other, "other");
    return new Counter(packets + other.packets, bytes + other.bytes);
  }
}
