// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import java.util.Objects;

/**
 * What a host takes for packets of its network.
 *
 * @param own of this host's device, whose port is the one that the kernel itself listens on
 * @param other taken as well while a network changes; else the same
 */
public record Wires(Wire own, Wire other) {
  /** Checks that both are there. */
  public Wires {
    Objects.requireNonNull(own, "own");
    Objects.requireNonNull(other, "other");
  }

  /**
   * {@return one alone, as where no network changes}
   *
   * @param wire that hosts agree on
   */
  public static Wires of(Wire wire) {
    return new Wires(wire, wire);
  }
}
