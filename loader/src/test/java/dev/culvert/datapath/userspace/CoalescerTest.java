// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CoalescerTest {
  private static final String TCP = "tcp over ipv4, psh on the last";

  /** What was written, each write gathered. */
  private final List<byte[]> written = new ArrayList<>();

  private final Coalescer coalescer = new Coalescer(this::write, true);

  private int write(long vectors, int count) {
    MemorySegment array = MemorySegment.ofAddress(vectors).reinterpret(16L * count);
    byte[] all = new byte[0];
    for (int i = 0; i < count; i++) {
      long pointer = array.get(ValueLayout.JAVA_LONG, 16L * i);
      int length = (int) array.get(ValueLayout.JAVA_LONG, 16L * i + 8);
      byte[] piece =
          MemorySegment.ofAddress(pointer).reinterpret(length).toArray(ValueLayout.JAVA_BYTE);
      int at = all.length;
      all = Arrays.copyOf(all, at + length);
      System.arraycopy(piece, 0, all, at, length);
    }
    written.add(all);
    return all.length;
  }

  private void add(byte[] packet) {
    PacketBuffer memory = GoldenSegments.memory(packet);
    coalescer.add(memory, GoldenSegments.read(memory));
  }

  private static byte[] packet(byte[] write) {
    return Arrays.copyOfRange(write, VirtioHeader.BYTES, write.length);
  }

  private static byte[] header(byte[] write) {
    return Arrays.copyOf(write, VirtioHeader.BYTES);
  }

  static Stream<GoldenSegments> superpackets() {
    // The kernel's GRO joins neither FIN nor CWR, and nor do we.
    return GoldenSegments.superpackets().filter(golden -> !golden.name().contains("fin"));
  }

  @ParameterizedTest
  @MethodSource("superpackets")
  void joinsWhatScapyCut(GoldenSegments golden) {
    golden.segments().forEach(this::add);
    coalescer.flush();
    assertEquals(1, written.size());
    assertArrayEquals(golden.whole(), packet(written.getFirst()));
  }

  @Test
  void tellsTheDeviceHowToCutAgain() {
    GoldenSegments.named(TCP).segments().forEach(this::add);
    coalescer.flush();
    // flags NEEDS_CSUM, TCPV4, 52 bytes of headers, 1000 a segment, checksum from 20 on, 16 behind
    assertArrayEquals(
        new byte[] {1, 1, 52, 0, (byte) 0xe8, 3, 20, 0, 16, 0}, header(written.getFirst()));
  }

  @Test
  void finEndsWithoutBeingJoined() {
    GoldenSegments golden = GoldenSegments.named("tcp over ipv4, fin and cwr");
    golden.segments().forEach(this::add);
    coalescer.flush();
    assertEquals(golden.segments().size(), written.size());
    for (int i = 0; i < written.size(); i++) {
      assertArrayEquals(golden.segments().get(i), packet(written.get(i)));
    }
  }

  @Test
  void segmentsOutOfOrderStayAsTheyAre() {
    List<byte[]> segments = GoldenSegments.named(TCP).segments();
    add(segments.get(1));
    add(segments.get(0));
    coalescer.flush();
    assertArrayEquals(segments.get(1), packet(written.get(0)));
    assertArrayEquals(segments.get(0), packet(written.get(1)));
  }

  @Test
  void aBadChecksumIsNotCoveredUp() {
    List<byte[]> segments = GoldenSegments.named(TCP).segments();
    byte[] broken = segments.get(1).clone();
    broken[broken.length - 1] ^= 1;
    add(segments.get(0));
    add(broken);
    add(segments.get(2));
    coalescer.flush();
    assertEquals(3, written.size());
    assertArrayEquals(broken, packet(written.get(1)));
    assertArrayEquals(new byte[VirtioHeader.BYTES], header(written.get(1)));
  }

  @Test
  void anotherFlowInBetweenEndsTheSuperpacket() {
    List<byte[]> segments = GoldenSegments.named(TCP).segments();
    add(segments.get(0));
    add(GoldenSegments.named("udp over ipv4").segments().getFirst());
    add(segments.get(1));
    coalescer.flush();
    assertEquals(3, written.size());
  }

  @Test
  void anUnfinishedChecksumIsLeftToTheKernel() {
    byte[] whole = GoldenSegments.named("udp over ipv4").whole();
    add(whole);
    coalescer.flush();
    // NEEDS_CSUM, from 20 on, 6 behind
    assertArrayEquals(new byte[] {1, 0, 0, 0, 0, 0, 20, 0, 6, 0}, header(written.getFirst()));
    assertArrayEquals(whole, packet(written.getFirst()));
  }

  @Test
  void aDeviceWithoutUdpSuperpacketsGetsDatagrams() {
    GoldenSegments golden = GoldenSegments.named("udp over ipv4");
    Coalescer old = new Coalescer(this::write, false);
    PacketBuffer memory = GoldenSegments.memory(golden.whole());
    old.addSuperpacket(
        memory, GoldenSegments.read(memory), golden.gsoSize(), PacketBuffer.allocate(4096));
    assertEquals(golden.segments().size(), written.size());
    for (int i = 0; i < written.size(); i++) {
      assertArrayEquals(golden.segments().get(i), packet(written.get(i)));
    }
  }

  @Test
  void refusedWritesAreCounted() {
    Coalescer refused = new Coalescer((_, _) -> -5, true);
    PacketBuffer memory = GoldenSegments.memory(GoldenSegments.named(TCP).segments().getFirst());
    refused.add(memory, GoldenSegments.read(memory));
    refused.flush();
    assertEquals(1, refused.takeLost());
    assertEquals(0, refused.takeLost());
  }
}
