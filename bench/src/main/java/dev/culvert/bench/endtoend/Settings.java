// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend;

import dev.culvert.bench.endtoend.peer.Peer;
import java.time.Duration;
import java.util.List;

/**
 * What a run does.
 *
 * @param peers who takes part, where the kernel has what they need
 * @param maxRounds of each group of measurements; fewer when time is short, but never below five
 * @param budget for all of it
 * @param full whether everything is measured: more streams, sizes and connections, each project's
 *     own MTU, and scaling
 * @param turn of packets and round trips
 * @param seed of the bootstrap
 */
record Settings(
    List<Peer> peers,
    List<Mode> modes,
    int maxRounds,
    Duration budget,
    boolean full,
    Duration turn,
    long seed) {
  static final Duration QUICK = Duration.ofSeconds(165);
  static final Duration FULL = Duration.ofMinutes(28);
  static final int QUICK_ROUNDS = 7;
  static final int FULL_ROUNDS = 11;
  static final Duration QUICK_TURN = Duration.ofMillis(300);
  static final Duration FULL_TURN = Duration.ofMillis(500);
}
