// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend.result;

import dev.culvert.bench.Machine;
import dev.culvert.bench.endtoend.peer.Peer;
import dev.culvert.measure.Comparison;
import dev.culvert.measure.Quantity;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/**
 * All that a run has found.
 *
 * @param command that made it
 * @param commit of the sources that were measured, as git describes it
 * @param peers who took part
 * @param absent who did not, each with the reason
 * @param failures turns without a result, one sentence each
 */
public record Results(
    String command,
    String commit,
    Instant begun,
    Duration took,
    long seed,
    Machine machine,
    List<Peer> peers,
    List<Absent> absent,
    List<Group> groups,
    List<ScalingCurve> scaling,
    List<String> failures) {
  /** A contestant that this kernel does not have. */
  public record Absent(Peer peer, String reason) {}

  /** Whom the others are measured by: the kernel's VXLAN device, or else the first. */
  public String reference() {
    return peers.stream()
        .map(Peer::id)
        .filter(Peer.REFERENCE::equals)
        .findFirst()
        .orElse(peers.getFirst().id());
  }

  /** A contestant against the reference. */
  public Comparison toReference(Group group, Quantity quantity, String contestant) {
    return group.samples().compare(quantity, contestant, reference(), seed);
  }

  public Peer peer(String id) {
    return peers.stream().filter(peer -> peer.id().equals(id)).findFirst().orElseThrow();
  }
}
