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
        Set.of("routes", Peer.REFERENCE, "tunnel-key", Peer.CULVERT, "limit"),
        Peer.all().stream().filter(Peer::quick).map(Peer::id).collect(Collectors.toSet()));
  }
}
