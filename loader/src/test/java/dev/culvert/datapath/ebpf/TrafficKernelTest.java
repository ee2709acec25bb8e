// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.culvert.datapath.Counter;
import dev.culvert.datapath.Traffic;
import dev.culvert.testing.RequiresRoot;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Golden packets by every way through the programs: who is counted, in which direction. */
@Tag("kernel")
@RequiresRoot
class TrafficKernelTest {
  private static PacketWorld world;

  @BeforeAll
  static void load() {
    world = PacketWorld.load();
  }

  @AfterAll
  static void close() {
    world.close();
  }

  /** What one golden packet moved: packets and bytes by party and direction. */
  private static Map<String, String> moved(String packet) {
    GoldenPacket golden = GoldenPacket.named(packet);
    Map<String, Traffic> before = world.traffic();
    assertEquals(
        golden.verdict(),
        world.run(golden.program(), golden.in(), golden.gsoSizeBytes().orElse(0)).verdict());
    Map<String, String> moved = new TreeMap<>();
    world
        .traffic()
        .forEach((party, after) -> {
          note(moved, party + " sent", before.get(party).sent(), after.sent());
          note(moved, party + " received", before.get(party).received(), after.received());
        });
    return moved;
  }

  private static void note(Map<String, String> moved, String what, Counter before, Counter after) {
    if (!before.equals(after)) {
      moved.put(
          what, (after.packets() - before.packets()) + "/" + (after.bytes() - before.bytes()));
    }
  }

  private static String one(int bytes) {
    return "1/" + bytes;
  }

  private static int bytes(String packet) {
    return GoldenPacket.named(packet).in().length;
  }

  @Test
  void encapsulationCountsTheSenderAndTheVtepWithoutTheOverhead() {
    String packet = "UDP to a container on another host is wrapped";
    assertEquals(
        Map.of("sender sent", one(bytes(packet)), "10.18.2.2 sent", one(bytes(packet))),
        moved(packet));
    assertEquals(
        Map.of(
            "sender sent", one(bytes("IPv6 inside IPv6")),
            "fd00:18:0:0:0:0:0:2 sent", one(bytes("IPv6 inside IPv6"))),
        moved("IPv6 inside IPv6"));
  }

  @Test
  void directRoutingCountsBothWays() {
    String out = "To a host on the same link: as it is";
    assertEquals(
        Map.of("sender sent", one(bytes(out)), "10.17.2.3 sent", one(bytes(out))), moved(out));
    String in = "A bare packet from a host on the same link";
    assertEquals(
        Map.of("10.17.2.3 received", one(bytes(in)), "10.244.1.3 received", one(bytes(in))),
        moved(in));
  }

  @Test
  void localDeliveryCountsBothContainers() {
    String packet = "To a container on the same host";
    assertEquals(
        Map.of("sender sent", one(bytes(packet)), "10.244.1.3 received", one(bytes(packet))),
        moved(packet));
  }

  @Test
  void decapsulationCountsTheVtepAndTheReceiverWithoutTheOverhead() {
    String packet = "A tunnel packet for our container";
    String inner = one(bytes(packet) - 50);
    assertEquals(Map.of("10.18.2.2 received", inner, "10.244.1.3 received", inner), moved(packet));
  }

  @Test
  void whatIsDroppedOrNotOursCountsForNobody() {
    for (String packet :
        new String[] {
          "To the world",
          "To the gateway",
          "No way to the VTEP",
          "Another's address",
          "Another's MAC",
          "Total length beyond the packet",
          "Congestion met by a packet that cannot say so",
          "Outer source is another VTEP",
          "Inner source is ours",
          "For a subnet of another host",
          "The underlay's own traffic",
        }) {
      assertEquals(Map.of(), moved(packet), packet);
    }
  }

  /** Such a packet comes by culvert0 again, where VTEP and receiver are counted. */
  @Test
  void theSlowPathCountsTheSenderOnceAndTheRestWhereItEnds() {
    String out = "Too large for the way";
    assertEquals(Map.of("sender sent", one(bytes(out))), moved(out));
    for (String in : new String[] {"For the host itself", "Last hop on arrival"}) {
      assertEquals(Map.of(), moved(in), in);
    }
  }
}
