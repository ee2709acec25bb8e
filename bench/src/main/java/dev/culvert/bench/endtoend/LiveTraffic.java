// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend;

import java.util.List;

/** What {@link LivePrograms} sends, and what the devices on the way do to it. */
enum LiveTraffic {
  SUPERPACKETS("TCP, superpackets", Mode.SUPERPACKET, true),
  FRAMES("TCP, frames", Mode.SUPERPACKET, false),
  MERGED("TCP, frames, merged", Mode.WIRE, false),
  SMALL("UDP, 64 bytes", Mode.SUPERPACKET, true);

  private final String title;
  private final Mode mode;
  private final boolean large;

  /**
   * @param large whether the container hands superpackets to the host; otherwise its device cuts
   */
  LiveTraffic(String title, Mode mode, boolean large) {
    this.title = title;
    this.mode = mode;
    this.large = large;
  }

  /** As the table has it. */
  String title() {
    return title;
  }

  /** Of the underlay: whether the receiving host merges frames before tc. */
  Mode mode() {
    return mode;
  }

  /** For ethtool -K, on the client's device. */
  List<String> clientOffload() {
    String state = large ? "on" : "off";
    return List.of("tso", state, "gso", state);
  }
}
