// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

/**
 * Packets (a superpacket counts once) and bytes (Ethernet header included, without encapsulation).
 */
public record Counter(long packets, long bytes) {
  /** The sum of both. */
  public Counter plus(Counter other) {
    return new Counter(packets + other.packets, bytes + other.bytes);
  }
}
