// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend;

import java.util.List;
import java.util.Locale;

/** What crosses the underlay. */
public enum Mode {
  /**
   * Veths as they are: TCP's 64 KB superpackets are never cut, as on a machine whose NIC cuts them,
   * tunnels included.
   */
  SUPERPACKET(
      List.of("tso", "on", "gso", "on", "tx-udp_tnl-segmentation", "on"), List.of("gro", "off")),
  /**
   * Nothing is cut late and everything is merged early: frames of the underlay's MTU cross the
   * router, and the receiving host merges them (GRO), as on a wire without help from the NIC.
   */
  WIRE(List.of("tso", "off", "gso", "off", "tx-udp_tnl-segmentation", "off"), List.of("gro", "on"));

  @SuppressWarnings("ImmutableEnumChecker") // made by List.of
  private final List<String> sending;

  @SuppressWarnings("ImmutableEnumChecker") // made by List.of
  private final List<String> receiving;

  Mode(List<String> sending, List<String> receiving) {
    this.sending = sending;
    this.receiving = receiving;
  }

  /** For ethtool -K, on every underlay device. */
  List<String> sending() {
    return sending;
  }

  /** For ethtool -K, on the hosts' underlay devices. */
  List<String> receiving() {
    return receiving;
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
