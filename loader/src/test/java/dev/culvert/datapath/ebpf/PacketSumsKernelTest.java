// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.bpf.TestRunner;
import dev.culvert.testing.RequiresRoot;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/**
 * A NIC may have summed a packet up (CHECKSUM_COMPLETE) instead of verifying its checksum. The sum
 * is looked at where the packet ends; what a program changes on the way must be changed in the sum.
 */
@Tag("kernel")
@RequiresRoot
class PacketSumsKernelTest {
  private static PacketWorld world;

  @BeforeAll
  static void load() {
    world = PacketWorld.load();
  }

  @AfterAll
  static void close() {
    world.close();
  }

  @TestFactory
  Stream<DynamicTest> whatStaysOnThisHostKeepsItsSum() {
    List<GoldenPacket> packets =
        GoldenPacket.all().stream()
            .filter(golden -> golden.gsoSizeBytes().isEmpty())
            .filter(golden -> PacketSums.mustHold(golden.in(), golden.verdict()))
            .toList();
    assertTrue(packets.stream().anyMatch(golden -> isIpv6(golden.out().orElse(golden.in()))));
    if (!PacketSums.areChecked(world.program("from_underlay"), packets.getFirst().in())) {
      return Stream.empty();
    }
    return packets.stream()
        .map(golden -> DynamicTest.dynamicTest(golden.name(), () -> check(golden)));
  }

  private static boolean isIpv6(byte[] packet) {
    return packet[12] == (byte) 0x86;
  }

  /** The run throws EBADMSG when the sum is wrong afterwards. */
  private static void check(GoldenPacket golden) {
    try (TestRunner runner = new TestRunner(4096, 0)) {
      runner.sumPackets(true);
      assertTrue(runner.run(world.program(golden.program()), golden.in()));
    }
  }
}
