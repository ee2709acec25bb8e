// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import java.time.Duration;
import java.util.Objects;

/**
 * What a router on the way to a VTEP said of its size, while it holds.
 *
 * @param mtuBytes the largest inner packet that passes whole
 * @param left until larger packets are tried again
 */
public record LoweredMtu(int mtuBytes, Duration left) {
  /** Checks that all is there. */
  public LoweredMtu {
    Objects.requireNonNull(left, "left");
  }
}
