// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend.peer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class PeerTest {
  @Test
  void everyContestantHasAnIdOfItsOwnAndASource() {
    List<Peer> all = Peer.all();
    assertEquals(all.size(), all.stream().map(Peer::id).distinct().count());
    all.forEach(peer -> assertTrue(peer.id().matches("[a-z-]+"), peer.id()));
    all.forEach(peer -> assertTrue(!peer.source().isBlank() && !peer.title().isBlank()));
  }

  @Test
  void aQuickRunHasTheFiveThatMatterMost() {
    assertEquals(
        Set.of("routes", Peer.REFERENCE, "tunnel-key", Peer.CULVERT, "limit"), taking(true));
  }

  @Test
  void aFullRunHasAllThatSomebodyShips() {
    Set<String> all = taking(false);
    assertTrue(all.containsAll(taking(true)), all.toString());
    assertTrue(all.containsAll(Set.of("userspace", "culvert-xdp", "wireguard")), all.toString());
    assertTrue(all.stream().noneMatch(id -> id.endsWith("-veth")), all.toString());
  }

  private static Set<String> taking(boolean quick) {
    return Peer.all().stream()
        .filter(peer -> peer.joins().in(quick))
        .map(Peer::id)
        .collect(Collectors.toSet());
  }
}
