// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend;

import dev.culvert.bench.endtoend.peer.Peer;
import dev.culvert.lab.LabPlan;
import java.time.Duration;
import java.util.List;
import java.util.Set;

/**
 * What a run does.
 *
 * @param peers who takes part, where the kernel has what they need
 * @param family of containers and underlay alike
 * @param maxRounds of each group of measurements; fewer when time is short
 * @param budget for all of it
 * @param kinds what turns measure
 * @param turn of packets and round trips
 * @param seed of the bootstrap
 */
record Settings(
    List<Peer> peers,
    List<Mode> modes,
    LabPlan.Family family,
    int maxRounds,
    Duration budget,
    List<Kind> kinds,
    Set<Part> parts,
    Duration turn,
    long seed) {
  static final Duration QUICK = Duration.ofSeconds(165);
  static final Duration FULL = Duration.ofMinutes(28);
  static final int QUICK_ROUNDS = 7;
  static final int FULL_ROUNDS = 11;
  static final Duration TURN = Duration.ofMillis(300);
}
