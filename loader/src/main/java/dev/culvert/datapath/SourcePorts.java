// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

/**
 * Outer UDP source ports, from which one is chosen for each flow, so that routers and receiving
 * hosts spread flows (RFC 7348 section 5).
 *
 * @param first the lowest, 1 to 65535
 * @param last the highest, at least {@code first}
 */
public record SourcePorts(int first, int last) {
  /** The dynamic range (RFC 6335), as RFC 7348 recommends: no listening service is hit. */
  public static final SourcePorts DYNAMIC = new SourcePorts(49152, 65535);

  /**
   * Checks both.
   *
   * @throws IllegalArgumentException for no port, or a range that ends before it begins
   */
  public SourcePorts {
    if (first < 1 || first > 65535 || last < 1 || last > 65535 || first > last) {
      throw new IllegalArgumentException(
          "The source ports " + first + "-" + last + " are no range within 1-65535.");
    }
  }
}
