// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Verdict;
import dev.culvert.kernel.bpf.BpfProgram;
import dev.culvert.testing.RequiresRoot;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/**
 * The XDP program strips exactly what from_underlay would deliver to a container, and passes
 * everything else as it came, for from_underlay to judge.
 */
@Tag("kernel")
@RequiresRoot
class XdpKernelTest {
  private static final int XDP_PASS = 2;
  private static final int ETHERNET_BYTES = 14;

  /**
   * struct stripped of bpf/src/xdp.h: the magic number in the host's order, the VNI in the wire's,
   * the VTEP's number; in PacketWorld the VTEP with an IPv6 address is its fourth, that of VNI 3
   * its fifth.
   */
  private static byte[] mark(byte[] whole) {
    boolean underlay6 = whole[12] == (byte) 0x86;
    boolean third = !underlay6 && whole[48] == 3;
    String vtep = underlay6 ? "04" : third ? "05" : "01";
    return HexFormat.of()
        .parseHex("54525643" + (third ? "00000003" : "00000001") + vtep + "000000");
  }

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
  Stream<DynamicTest> everyGoldenPacketFromTheUnderlay() {
    List<GoldenPacket> packets =
        GoldenPacket.all().stream().filter(p -> p.program().equals("from_underlay")).toList();
    assertTrue(packets.stream().anyMatch(p -> p.verdict() == Verdict.DECAPSULATED));
    return packets.stream()
        .map(golden -> DynamicTest.dynamicTest(golden.name(), () -> check(golden)));
  }

  private static void check(GoldenPacket golden) {
    BpfProgram.TestRun run = world.frame(golden.in());
    assertEquals(XDP_PASS, run.returnValue());
    byte[] expected = isPlainlyGood(golden) ? stripped(golden.in()) : golden.in();
    assertEquals(HexFormat.of().formatHex(expected), HexFormat.of().formatHex(run.packet()));
  }

  private static boolean isPlainlyGood(GoldenPacket golden) {
    // Where the outer ECN field has a say, tc has it: congestion, and ECT(1) over ECT(0).
    return golden.verdict() == Verdict.DECAPSULATED
        && !TagOracle.isTagged(golden.in()) // a tag is tc's to judge
        && !OutputOracle.ecnMatters(golden.in());
  }

  /**
   * The mark for tc (BPF_PROG_TEST_RUN returns metadata too), then MACs, inner type, inner packet.
   */
  private static byte[] stripped(byte[] whole) {
    byte[] mark = mark(whole);
    int overhead = whole[12] == 0x08 ? 50 : 70; // bytes of outer headers, over IPv4 and IPv6
    byte[] out = new byte[mark.length + whole.length - overhead];
    System.arraycopy(mark, 0, out, 0, mark.length);
    System.arraycopy(whole, overhead, out, mark.length, whole.length - overhead);
    System.arraycopy(whole, 0, out, mark.length, ETHERNET_BYTES - 2);
    return out;
  }
}
