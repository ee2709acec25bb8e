// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.table.FlowTable;
import dev.culvert.datapath.table.PrebuiltObject;
import dev.culvert.datapath.table.RawEntries;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfProgram;
import dev.culvert.kernel.host.KernelClock;
import dev.culvert.testing.RequiresRoot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * What the programs remember of packets that the host's stack carries, and that the answers, and
 * nothing else, are left to the stack. The packets are scapy's.
 */
@Tag("kernel")
@RequiresRoot
class FlowsKernelTest {
  /** Offset of ingress_ifindex in struct __sk_buff (linux/bpf.h). */
  private static final int CONTEXT_INGRESS_IFINDEX = 36;

  private static final int CONTEXT_BYTES = 192;
  private static final int LOOPBACK = 1;

  /** Where TCP's ports and flags are in an IPv4 frame without options. */
  private static final int SOURCE_PORT = 14 + 20;

  private static final int DESTINATION_PORT = SOURCE_PORT + 2;
  private static final int TCP_FLAGS = SOURCE_PORT + 13;
  private static final byte FIN = 0x11;
  private static final byte ACK = 0x10;
  private static final byte SYN = 0x02;

  @TestFactory
  Stream<DynamicTest> answersAreTheStacks() {
    return FlowPacket.all().stream()
        .map(packet -> DynamicTest.dynamicTest(packet.name(), () -> check(packet)));
  }

  private static void check(FlowPacket packet) {
    try (PacketWorld world = PacketWorld.load()) {
      assertEquals(
          packet.fast(), world.run(packet.program(), packet.answer(), 0).verdict(), "before");
      carry(world, packet.carrier(), packet.carried());
      PacketWorld.Outcome outcome = world.run(packet.program(), packet.answer(), 0);
      assertEquals(packet.verdict(), outcome.verdict());
      if (packet.verdict() != packet.fast()) {
        assertArrayEquals(packet.answer(), outcome.packet(), "the stack gets it as it came");
      }
    }
  }

  /** Once by the stack: it came in through an interface of ours. */
  private static void carry(PacketWorld world, String program, byte[] packet) {
    byte[] context =
        ByteBuffer.allocate(CONTEXT_BYTES)
            .order(ByteOrder.nativeOrder())
            .putInt(CONTEXT_INGRESS_IFINDEX, LOOPBACK)
            .array();
    BpfProgram.TestRun _ = world.program(program).testRun(packet, context, 1);
  }

  @Test
  void whatXdpWouldStripGoesUpWhole() {
    FlowPacket packet = FlowPacket.named("IPv4: TCP to a container on another host");
    FlowPacket other = FlowPacket.named("IPv4: and what comes from another port of it");
    try (PacketWorld world = PacketWorld.load()) {
      assertTrue(world.frame(packet.answer()).packet().length < packet.answer().length, "stripped");
      carry(world, packet.carrier(), packet.carried());
      assertArrayEquals(packet.answer(), world.frame(packet.answer()).packet());
      assertTrue(world.frame(other.answer()).packet().length < other.answer().length, "stripped");
    }
  }

  @Test
  void theHostsOwnFlowsNeedNoMemory() {
    byte[] own = FlowPacket.named("IPv4: the host's own is not remembered").carried();
    try (PacketWorld world = PacketWorld.load()) {
      assertEquals(Verdict.ENCAPSULATED, world.run("from_host", own, 0).verdict());
      assertFalse(world.flows().isKept());
      assertEquals(0, world.flows().size(nowNs()));
    }
  }

  @Test
  void tcpIsKeptAsLongAsConntrackKeepsItAndNoLongerWhenItHasEnded() {
    FlowPacket packet = FlowPacket.named("IPv4: TCP of a container beside");
    try (PacketWorld world = PacketWorld.load()) {
      carry(world, packet.carrier(), packet.carried());
      assertKept(world, Duration.ofDays(5));
      // The container closes, and its neighbour's acknowledgement does not open it again ...
      byte[] end = packet.answer().clone();
      end[TCP_FLAGS] = FIN;
      assertEquals(Verdict.PASSED, world.run(packet.program(), end, 0).verdict());
      assertKept(world, Duration.ofMinutes(2));
      byte[] last = packet.carried().clone();
      last[TCP_FLAGS] = ACK;
      carry(world, packet.carrier(), last);
      assertKept(world, Duration.ofMinutes(2));
      // ... but a new connection between the same ports does.
      byte[] again = packet.carried().clone();
      again[TCP_FLAGS] = SYN;
      carry(world, packet.carrier(), again);
      assertKept(world, Duration.ofDays(5));
    }
  }

  @Test
  void whatHasExpiredTakesTheFastPathAgain() {
    FlowPacket packet = FlowPacket.named("IPv4: UDP of a container on another host");
    try (PacketWorld world = PacketWorld.load()) {
      carry(world, packet.carrier(), packet.carried());
      assertKept(world, Duration.ofMinutes(10));
      RawEntries.expireFlows(world.map("flows"), nowNs());
      assertEquals(Verdict.ENCAPSULATED, world.run(packet.program(), packet.answer(), 0).verdict());
      carry(world, packet.carrier(), packet.carried());
      assertEquals(Verdict.PASSED, world.run(packet.program(), packet.answer(), 0).verdict());
    }
  }

  @Test
  void nothingIsLookedUpWhenAllHasExpired() {
    FlowPacket packet = FlowPacket.named("IPv4: UDP of a container on another host");
    try (PacketWorld world = PacketWorld.load()) {
      FlowTable flows = world.flows();
      assertFalse(flows.isKept());
      carry(world, packet.carrier(), packet.carried());
      flows.expire(nowNs());
      assertTrue(flows.isKept());
      assertEquals(2, flows.size(nowNs()), "the flow and its fragments");

      RawEntries.expireFlows(world.map("flows"), nowNs());
      flows.expire(nowNs());
      assertFalse(flows.isKept());
      assertEquals(0, flows.size(0), "not even expired ones are left");

      carry(world, packet.carrier(), packet.carried());
      assertTrue(flows.isKept());
    }
  }

  /** A container that asks for ever more flows takes the place of the oldest, and no more room. */
  @Test
  void thereIsNoEndOfRoom() {
    FlowPacket packet = FlowPacket.named("IPv4: TCP of a container beside");
    int most = 2000;
    try (PacketWorld world =
        PacketWorld.load(PrebuiltObject.spec().withMaxEntries("flows", most))) {
      byte[] carried = packet.carried().clone();
      byte[] answer = packet.answer().clone();
      for (int i = 0; i < 3 * most; i++) {
        setPorts(carried, i, answer);
        BpfProgram.TestRun _ = world.program(packet.carrier()).testRun(carried, new byte[0], 1);
      }
      assertTrue(world.flows().size(nowNs()) <= most);
      assertEquals(Verdict.PASSED, world.run(packet.program(), answer, 0).verdict());
    }
  }

  private static void setPorts(byte[] carried, int number, byte[] answer) {
    ByteBuffer request = ByteBuffer.wrap(carried);
    request
        .putShort(SOURCE_PORT, (short) number)
        .putShort(DESTINATION_PORT, (short) (number >> 16));
    ByteBuffer.wrap(answer)
        .putShort(DESTINATION_PORT, (short) number)
        .putShort(SOURCE_PORT, (short) (number >> 16));
  }

  /** The one flow, not its fragments, lives as long as that, but for the seconds of a test. */
  private static void assertKept(PacketWorld world, Duration expected) {
    List<Long> expiries = RawEntries.flowExpiriesNs(world.map("flows"));
    assertEquals(1, expiries.size());
    Duration left = Duration.ofNanos(expiries.getFirst() - nowNs());
    assertTrue(left.compareTo(expected) <= 0, left::toString);
    assertTrue(left.compareTo(expected.minusSeconds(60)) > 0, left::toString);
  }

  private static long nowNs() {
    return KernelClock.monotonicNs(Libc.system());
  }
}
