// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.culvert.datapath.Verdict;
import dev.culvert.testing.RequiresRoot;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Frames whose outermost VLAN tag is not in the frame any more when from_underlay sees it: the
 * kernel takes it off before, or the NIC does, before XDP too. Tags are as in IEEE 802.1Q: three
 * bits of priority, one of drop eligibility, twelve of VLAN.
 */
@Tag("kernel")
@RequiresRoot
class TagsKernelTest {
  private static final int PASSED_WITH_ITS_TAG = 3; // TC_ACT_PIPE, see fuzz_tag_taken_off
  private static final int SHOT = 2;
  private static final int REDIRECT = 7;

  private static final String TUNNEL =
      "A tunnel packet for our container: stripped, readdressed, one hop less";
  private static final String BARE_FROM_ELSEWHERE = "Another port";
  private static final String FORGED = "A forged bare packet without a tag";

  private static PacketWorld world;

  @BeforeAll
  static void load() {
    world = PacketWorld.loadForTests();
  }

  @AfterAll
  static void close() {
    world.close();
  }

  @ParameterizedTest(name = "{0}, tag {1}")
  @CsvSource({
    FORGED + ", 0x0000, DROPPED_OUTER_SOURCE, " + SHOT,
    FORGED + ", 0xb000, DROPPED_OUTER_SOURCE, " + SHOT,
    FORGED + ", 0xa005, PASSED, " + PASSED_WITH_ITS_TAG,
    "'" + TUNNEL + "', 0x0000, DECAPSULATED, " + REDIRECT,
    "'" + TUNNEL + "', 0x0005, PASSED, " + PASSED_WITH_ITS_TAG,
    BARE_FROM_ELSEWHERE + ", 0xa000, PASSED, " + PASSED_WITH_ITS_TAG,
    "A forged bare packet behind a priority tag, 0x0000, DROPPED_OUTER_SOURCE, " + SHOT,
    "A tunnel packet in a VLAN is that VLAN's, 0x6000, PASSED, " + PASSED_WITH_ITS_TAG,
    "A tunnel packet behind four priority tags, 0x0000, DROPPED_VLAN, " + SHOT,
  })
  void atTc(String golden, String tag, Verdict verdict, int action) {
    PacketWorld.Outcome outcome = run(golden, tag, false);
    assertEquals(verdict, outcome.verdict());
    assertEquals(action, outcome.action());
  }

  /** XDP did not see the tag: what it has stripped may be delivered, but not get into a VLAN. */
  @ParameterizedTest(name = "tag {0}")
  @CsvSource({"0x0000, DECAPSULATED, " + REDIRECT, "0xe005, DROPPED_VLAN, " + SHOT})
  void strippedAtXdp(String tag, Verdict verdict, int action) {
    PacketWorld.Outcome outcome = run(FORGED, tag, true);
    assertEquals(verdict, outcome.verdict());
    assertEquals(action, outcome.action());
  }

  private static PacketWorld.Outcome run(String golden, String tag, boolean stripped) {
    byte[] packet = GoldenPacket.named(golden).in();
    int vni = Integer.reverseBytes(1); // in the wire's order
    return world.runWith("fuzz_tag_taken_off", packet, vni, Integer.decode(tag), stripped ? 1 : 0);
  }
}
