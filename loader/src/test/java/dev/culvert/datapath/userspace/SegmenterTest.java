// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SegmenterTest {
  private static final int PROLOGUE_BYTES = 22;

  static Stream<GoldenSegments> superpackets() {
    return GoldenSegments.superpackets();
  }

  /** How {@link Segmenter} and {@link Fragmenter} say how much room the pieces' headers take. */
  private interface Measure {
    int headerBytes(InnerPacket packet, int size, int prologueBytes);
  }

  /** How both cut. */
  private interface Knife {
    void cut(InnerPacket packet, int size, Segmenter.Space space, Segmenter.Sink sink);
  }

  @ParameterizedTest
  @MethodSource("superpackets")
  void cutsAsScapyDoes(GoldenSegments golden) {
    InnerPacket packet = assertCut(golden, Segmenter::headerBytes, Segmenter::cut);
    assertEquals(
        golden.segments().size() * (PROLOGUE_BYTES + headBytes(packet)),
        Segmenter.headerBytes(packet, golden.gsoSize(), PROLOGUE_BYTES),
        "header bytes");
  }

  @Test
  void fragmentsAsScapyDoes() {
    assertCut(
        GoldenSegments.named("fragments of 576 bytes"), Fragmenter::headerBytes, Fragmenter::cut);
  }

  private static InnerPacket assertCut(GoldenSegments golden, Measure measure, Knife knife) {
    PacketBuffer memory = GoldenSegments.memory(golden.whole());
    InnerPacket packet = GoldenSegments.read(memory);
    int bytes = measure.headerBytes(packet, golden.gsoSize(), PROLOGUE_BYTES);
    PacketBuffer headers = PacketBuffer.allocate(bytes);
    List<byte[]> pieces = new ArrayList<>();
    knife.cut(
        packet,
        golden.gsoSize(),
        new Segmenter.Space(headers.bytes(), 0, PROLOGUE_BYTES),
        sink(memory, headers, pieces));
    assertPieces(golden, pieces);
    return packet;
  }

  private static int headBytes(InnerPacket packet) {
    return packet.ipBytes + packet.transportHeaderBytes();
  }

  private static Segmenter.Sink sink(
      PacketBuffer memory, PacketBuffer headers, List<byte[]> pieces) {
    return (head, headBytes, body, bodyBytes) -> {
      byte[] piece = new byte[headBytes - PROLOGUE_BYTES + bodyBytes];
      headers.bytes().get(head + PROLOGUE_BYTES, piece, 0, headBytes - PROLOGUE_BYTES);
      memory.bytes().get(body, piece, headBytes - PROLOGUE_BYTES, bodyBytes);
      pieces.add(piece);
    };
  }

  private static void assertPieces(GoldenSegments golden, List<byte[]> pieces) {
    assertEquals(golden.segments().size(), pieces.size());
    for (int i = 0; i < pieces.size(); i++) {
      assertArrayEquals(golden.segments().get(i), pieces.get(i), golden.name() + ", piece " + i);
    }
  }
}
