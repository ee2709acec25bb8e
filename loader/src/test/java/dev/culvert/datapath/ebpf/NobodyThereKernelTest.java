// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.table.PrebuiltObject;
import dev.culvert.testing.RequiresRoot;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Who calls an address that nobody has is told so, byte for byte as scapy writes it
 * (loader/src/test/golden/nobody.py), and not more often than is good.
 */
@Tag("kernel")
@RequiresRoot
class NobodyThereKernelTest {
  private static final int SHOT = 2;
  private static final int REDIRECT = 7;

  /** ANSWERS_AT_ONCE of bpf/src/icmp.h. */
  private static final int AT_ONCE = 50;

  @TestFactory
  Stream<DynamicTest> everyCallerIsToldOrNot() {
    List<GoldenPacket> packets = GoldenPacket.aboutNobody();
    assertTrue(packets.size() >= 29, "the packets are not all there");
    return packets.stream()
        .map(golden -> DynamicTest.dynamicTest(golden.name(), () -> check(golden)));
  }

  private static void check(GoldenPacket golden) {
    try (PacketWorld world = PacketWorld.load()) {
      PacketWorld.Outcome outcome = world.run(golden.program(), golden.in(), 0);
      assertEquals(golden.verdict(), outcome.verdict());
      assertEquals(golden.out().isPresent() ? REDIRECT : SHOT, outcome.action());
      String expected = HexFormat.of().formatHex(golden.out().orElse(golden.in()));
      assertEquals(expected, HexFormat.of().formatHex(outcome.packet()));
    }
  }

  @Test
  void afterSomeAtOnceTheOthersAreNotTold() {
    try (PacketWorld world = loadTelling(Duration.ofHours(1))) {
      GoldenPacket golden = GoldenPacket.aboutNobody().getFirst();
      for (int i = 0; i < AT_ONCE; i++) {
        assertEquals(REDIRECT, world.run("from_host", golden.in(), 0).action(), "answer " + i);
      }
      PacketWorld.Outcome late = world.run("from_host", golden.in(), 0);
      assertEquals(Verdict.DROPPED_NO_ENDPOINT, late.verdict());
      assertEquals(SHOT, late.action());
      assertArrayEquals(golden.in(), late.packet());
    }
  }

  /** Whoever sends too large packets must learn the size, or gets nothing through at all. */
  @Test
  void tooBigIsToldAllTheSame() {
    try (PacketWorld world = loadTelling(Duration.ofHours(1))) {
      byte[] nobody = GoldenPacket.aboutNobody().getFirst().in();
      byte[] large = GoldenPacket.named("UDP that must not be cut").in();
      for (int i = 0; i < 2 * AT_ONCE; i++) {
        world.run("from_host", nobody, 0);
        assertEquals(REDIRECT, world.run("from_container", large, 0).action());
      }
    }
  }

  @Test
  void whenSomeTimeIsOverTheyAreToldAgain() throws Exception {
    Duration interval = Duration.ofMillis(20);
    try (PacketWorld world = loadTelling(interval)) {
      byte[] packet = GoldenPacket.aboutNobody().getFirst().in();
      int sent = 0;
      while (world.run("from_host", packet, 0).action() == REDIRECT) {
        assertTrue(sent++ < 100_000, "there is no end to it");
      }
      Thread.sleep(interval.plusMillis(1));
      assertEquals(REDIRECT, world.run("from_host", packet, 0).action());
    }
  }

  private static PacketWorld loadTelling(Duration interval) {
    return PacketWorld.load(
        PrebuiltObject.spec().withGlobal("unreachable_interval_ns", interval.toNanos()));
  }
}
