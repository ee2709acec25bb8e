// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Verdict;
import dev.culvert.testing.RequiresRoot;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * What from_underlay learns from routers about the ways to VTEPs, and what from_container makes of
 * it. The messages were made by scapy (loader/src/test/golden/paths.py).
 */
@Tag("kernel")
@RequiresRoot
class PathMtuKernelTest {
  private static final InetAddress VTEP = InetAddress.ofLiteral("10.18.2.2");

  /** Offsets in an answer to a container: the next hop's MTU, and the quoted packet. */
  private static final int MTU_OFFSET = 14 + 20 + 6;

  private static final int QUOTE_OFFSET = 14 + 20 + 8;

  @TestFactory
  Stream<DynamicTest> everyMessageIsBelievedOrNot() {
    List<GoldenPacket> packets = GoldenPacket.aboutPaths();
    assertTrue(packets.size() >= 25, "the messages are not all there");
    return packets.stream()
        .map(golden ->
            DynamicTest.dynamicTest(
                golden.name(),
                () -> {
                  try (PacketWorld world = PacketWorld.load()) {
                    check(world, golden);
                  }
                }));
  }

  private static void check(PacketWorld world, GoldenPacket golden) {
    GoldenPacket.Path path = golden.path().orElseThrow();
    world.beAt(path.self());
    PacketWorld.Outcome outcome = world.run(golden.program(), golden.in(), 0);
    assertEquals(golden.verdict(), outcome.verdict());
    assertArrayEquals(golden.in(), outcome.packet(), "the stack gets the message as it came");
    assertEquals(path.mtuBytes(), world.pathMtuBytes(path.vtep()));
  }

  @Test
  void aNarrowWayIsWhatTheContainerHears() {
    try (PacketWorld world = PacketWorld.load()) {
      hear(world, "A router carries 1400 bytes");
      assertEquals(Verdict.ENCAPSULATED, world.run("from_container", packet(1350), 0).verdict());
      byte[] tooBig = packet(1351);
      PacketWorld.Outcome answer = world.run("from_container", tooBig, 0);
      assertEquals(Verdict.DROPPED_TOO_BIG, answer.verdict());
      ByteBuffer bytes = ByteBuffer.wrap(answer.packet());
      assertEquals(1350, bytes.getShort(MTU_OFFSET));
      assertEquals(576 + 14, bytes.limit());
      assertEquals(bytes.slice(QUOTE_OFFSET, 548), ByteBuffer.wrap(tooBig, 14, 548).slice());
    }
  }

  @Test
  void theNarrowestPlaceHoldsWhateverElseIsSaid() {
    try (PacketWorld world = PacketWorld.load()) {
      hear(world, "A router from before RFC 1191");
      hear(world, "A router carries 1400 bytes");
      assertEquals(526, world.pathMtuBytes(VTEP));
      // What fits every way is never held up; a byte more is quoted whole.
      assertEquals(Verdict.ENCAPSULATED, world.run("from_container", packet(526), 0).verdict());
      PacketWorld.Outcome answer = world.run("from_container", packet(527), 0);
      assertEquals(Verdict.DROPPED_TOO_BIG, answer.verdict());
      assertEquals(QUOTE_OFFSET + 527, answer.packet().length);
    }
  }

  @Test
  void aWayRecoversWhenTheTimeIsOver() {
    try (PacketWorld world = PacketWorld.load(Duration.ZERO)) {
      hear(world, "A router from before RFC 1191");
      assertEquals(526, world.pathMtuBytes(VTEP));
      assertEquals(Verdict.ENCAPSULATED, world.run("from_container", packet(1450), 0).verdict());
      // ... and what was said then does not outweigh what is said now.
      hear(world, "A router carries 1400 bytes");
      assertEquals(1350, world.pathMtuBytes(VTEP));
    }
  }

  @Test
  void noMessageLowersAWayBelowWhatEveryWayCarries() {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("PathMtuKernelTest mutations: -Dseed=" + seed);
    Random random = new Random(seed);
    List<GoldenPacket> packets = GoldenPacket.aboutPaths();
    try (PacketWorld world = PacketWorld.load()) {
      for (int i = 0; i < 5_000; i++) {
        byte[] packet = packets.get(random.nextInt(packets.size())).in();
        for (int flips = random.nextInt(3); flips >= 0; flips--) {
          packet[12 + random.nextInt(packet.length - 12)] = (byte) random.nextInt();
        }
        world.run("from_underlay", packet, 0);
        int known = world.pathMtuBytes(VTEP);
        assertTrue(known == 0 || known >= 526, "seed " + seed + ": " + known);
      }
    }
  }

  private static void hear(PacketWorld world, String start) {
    GoldenPacket message =
        GoldenPacket.aboutPaths().stream()
            .filter(golden -> golden.name().startsWith(start))
            .findFirst()
            .orElseThrow();
    assertEquals(Verdict.PASSED, world.run("from_underlay", message.in(), 0).verdict());
  }

  /** UDP with "don't fragment" to 10.244.2.4, cut or filled up to an IP packet of that length. */
  private static byte[] packet(int ipBytes) {
    byte[] whole = GoldenPacket.named("UDP that must not be cut").in();
    byte[] packet = java.util.Arrays.copyOf(whole, 14 + ipBytes);
    ByteBuffer.wrap(packet).putShort(14 + 2, (short) ipBytes);
    return packet;
  }
}
