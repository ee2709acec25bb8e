// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import java.util.Objects;

/**
 * VXLAN network identifier (RFC 7348 section 5): 24 bits, keeps networks with the same addresses
 * apart. Ordered by number.
 *
 * @param value 1 to {@link #MAX}
 */
public record Vni(int value) implements Comparable<Vni> {
  /** The largest that 24 bits hold. */
  public static final int MAX = 0xff_ffff;

  /**
   * Checks the values.
   *
   * @throws IllegalArgumentException outside 1 to {@link #MAX}
   */
  public Vni {
    if (value < 1 || value > MAX) {
      throw new IllegalArgumentException("The VNI " + value + " is outside 1-" + MAX + ".");
    }
  }

  @Override
  public int compareTo(Vni other) {
    Objects.requireNonNull(other, "other");
    return Integer.compare(value, other.value);
  }

  @Override
  public String toString() {
    return Integer.toString(value);
  }
}
