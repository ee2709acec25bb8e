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

  @ParameterizedTest
  @MethodSource("superpackets")
  void cutsAsScapyDoes(GoldenSegments golden) {
    PacketBuffer memory = GoldenSegments.memory(golden.whole());
    InnerPacket packet = GoldenSegments.read(memory);
    int bytes = Segmenter.headerBytes(packet, golden.gsoSize(), PROLOGUE_BYTES);
    PacketBuffer headers = PacketBuffer.allocate(bytes);
    List<byte[]> pieces = new ArrayList<>();
    Segmenter.cut(
        packet,
        golden.gsoSize(),
        headers.bytes(),
        0,
        PROLOGUE_BYTES,
        sink(memory, headers, pieces));
    assertPieces(golden, pieces);
    assertEquals(
        bytes, golden.segments().size() * (PROLOGUE_BYTES + headBytes(packet)), "header bytes");
  }

  @Test
  void fragmentsAsScapyDoes() {
    GoldenSegments golden = GoldenSegments.named("fragments of 576 bytes");
    PacketBuffer memory = GoldenSegments.memory(golden.whole());
    InnerPacket packet = GoldenSegments.read(memory);
    int bytes = Fragmenter.headerBytes(packet, golden.gsoSize(), PROLOGUE_BYTES);
    PacketBuffer headers = PacketBuffer.allocate(bytes);
    List<byte[]> pieces = new ArrayList<>();
    Fragmenter.cut(
        packet,
        golden.gsoSize(),
        headers.bytes(),
        0,
        PROLOGUE_BYTES,
        sink(memory, headers, pieces));
    assertPieces(golden, pieces);
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
