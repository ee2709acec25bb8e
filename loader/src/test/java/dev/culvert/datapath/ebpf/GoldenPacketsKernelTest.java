// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Verdict;
import dev.culvert.kernel.bpf.BpfProgram;
import dev.culvert.testing.RequiresRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Packets in, verdict and packet out, byte for byte, through the real programs and the real
 * verifier. The bytes were made by scapy (loader/src/test/golden/golden.py); the tables stand in
 * {@link PacketWorld}.
 */
@Tag("kernel")
@RequiresRoot
class GoldenPacketsKernelTest {
  /** tc actions of linux/pkt_cls.h. */
  private static final int UNSPEC = -1;

  private static final int SHOT = 2;
  private static final int REDIRECT = 7;

  private static PacketWorld world;

  @BeforeAll
  static void load() {
    world = PacketWorld.load();
  }

  @AfterAll
  static void close() {
    world.close();
  }

  @ParameterizedTest
  @CsvSource({
    "golden.py, golden-packets.txt",
    "paths.py, path-packets.txt",
    "nobody.py, nobody-packets.txt"
  })
  void scapyMakesWhatIsCommitted(String script, String committed) throws IOException {
    String made = Commands.quietly(List.of("/usr/bin/python3", "src/test/golden/" + script));
    assertEquals(Files.readString(Path.of("src/test/resources", committed)), made);
  }

  @TestFactory
  Stream<DynamicTest> everyGoldenPacket() {
    List<GoldenPacket> packets = GoldenPacket.all();
    assertTrue(packets.size() >= 130, "the golden packets are not all there");
    return packets.stream()
        .map(golden -> DynamicTest.dynamicTest(golden.name(), () -> check(golden)));
  }

  private static void check(GoldenPacket golden) {
    PacketWorld.Outcome outcome =
        world.run(golden.program(), golden.in(), golden.gsoSizeBytes().orElse(0));
    assertEquals(golden.verdict(), outcome.verdict());
    assertEquals(action(golden), outcome.action());
    golden
        .out()
        .ifPresent(expected ->
            assertEquals(
                HexFormat.of().formatHex(expected),
                HexFormat.of().formatHex(withoutSourcePort(golden, outcome.packet()))));
  }

  private static int action(GoldenPacket golden) {
    Verdict verdict = golden.verdict();
    if (verdict == Verdict.DROPPED_TOO_BIG && golden.isChanged()) {
      return REDIRECT; // as the answer
    }
    if (verdict.isDrop()) {
      return SHOT;
    }
    return verdict == Verdict.PASSED || verdict == Verdict.SLOW_PATH ? UNSPEC : REDIRECT;
  }

  /** The outer source port comes from the kernel's flow hash: any of the range is right. */
  private static byte[] withoutSourcePort(GoldenPacket golden, byte[] packet) {
    if (golden.verdict() != Verdict.ENCAPSULATED) {
      return packet;
    }
    int udp = packet[12] == 0x08 ? 34 : 54;
    int port = ((packet[udp] & 0xff) << 8) | (packet[udp + 1] & 0xff);
    assertTrue(port >= 49152, "source port " + port + " is below the configured range");
    byte[] cleared = packet.clone();
    cleared[udp] = 0;
    cleared[udp + 1] = 0;
    return cleared;
  }

  @Test
  void decapsulationUndoesEncapsulation() {
    GoldenPacket sent = GoldenPacket.named("UDP to a container on another host is wrapped");
    PacketWorld.Outcome wrapped = world.run("from_container", sent.in(), 0);
    // Seen from the other host: there the outer source is the sender's VTEP, as in the tables of
    // this world for VNI 3, whose packets this one becomes by its VNI alone.
    byte[] arriving = wrapped.packet();
    arriving[48] = 3;
    PacketWorld.Outcome unwrapped = world.run("from_underlay", arriving, 0);
    assertEquals(Verdict.DECAPSULATED, unwrapped.verdict());
    byte[] inner = sent.in();
    byte[] out = unwrapped.packet();
    assertEquals(inner.length, out.length);
    assertEquals(64 - 2, out[22], "one hop on each side");
    // Everything but MACs, TTL and checksum is what the container sent.
    for (int i = 14; i < inner.length; i++) {
      if (i != 22 && i != 24 && i != 25) {
        assertEquals(inner[i], out[i], "byte " + i);
      }
    }
  }

  @Test
  void oneFlowKeepsItsPortAndFlowsSpreadOverTheRange() {
    byte[] packet = GoldenPacket.named("UDP to a container on another host is wrapped").in();
    java.util.Set<Integer> ports = new java.util.HashSet<>();
    for (int flow = 0; flow < 256; flow++) {
      packet[34] = (byte) (flow >> 4);
      packet[35] = (byte) (flow * 37);
      int first = sourcePort(packet);
      assertEquals(first, sourcePort(packet), "one flow, one port");
      ports.add(first);
    }
    // 256 draws out of 16,384 ports collide about twice: far fewer distinct ports mean no entropy.
    assertTrue(ports.size() > 200, "only " + ports.size() + " ports for 256 flows");
  }

  private static int sourcePort(byte[] packet) {
    byte[] out = world.run("from_container", packet, 0).packet();
    return ((out[34] & 0xff) << 8) | (out[35] & 0xff);
  }

  @Test
  void everyTruncationHasANamedVerdictAndIsNeverDelivered() {
    for (GoldenPacket golden : GoldenPacket.all()) {
      if (golden.name().startsWith("Padding")) {
        continue; // Without its padding it is still whole.
      }
      byte[] whole = golden.in();
      // BPF_PROG_TEST_RUN takes no packet that ends within its outermost IP header.
      int least = 14 + (whole[12] == (byte) 0x86 ? 40 : 20);
      for (int length = least; length < whole.length; length++) {
        PacketWorld.Outcome outcome =
            world.run(golden.program(), java.util.Arrays.copyOf(whole, length), 0);
        Verdict verdict = outcome.verdict();
        boolean handedOn = outcome.action() == REDIRECT;
        // A truncated IP packet contradicts its own length, so it can never be handed on.
        assertTrue(
            !handedOn, golden.name() + " cut to " + length + " bytes was handed on as " + verdict);
      }
    }
  }

  @Test
  void programsAreVerifiedAndJited() {
    for (BpfProgram program : world.programs()) {
      assertTrue(program.info().jitedBytes() > 0, program.name() + " was not compiled");
    }
  }
}
