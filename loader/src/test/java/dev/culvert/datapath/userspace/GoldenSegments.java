// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** One case of segments.txt, which src/test/golden/segments.py writes with scapy. */
@SuppressWarnings("ArrayRecordComponent") // Raw bytes; never compared.
record GoldenSegments(String name, int gsoSize, byte[] whole, List<byte[]> segments) {

  static List<GoldenSegments> all() {
    List<GoldenSegments> cases = new ArrayList<>();
    for (String block : text().split("\n\n", -1)) {
      if (block.isBlank()) {
        continue;
      }
      Map<String, List<String>> fields = new LinkedHashMap<>();
      block
          .lines()
          .map(line -> line.split(": ", 2))
          .forEach(pair -> fields.computeIfAbsent(pair[0], _ -> new ArrayList<>()).add(pair[1]));
      cases.add(
          new GoldenSegments(
              fields.get("name").getFirst(),
              Integer.parseInt(fields.get("gso").getFirst()),
              HexFormat.of().parseHex(fields.get("super").getFirst()),
              fields.get("segment").stream().map(HexFormat.of()::parseHex).toList()));
    }
    return cases;
  }

  static GoldenSegments named(String name) {
    return all().stream().filter(one -> one.name().equals(name)).findFirst().orElseThrow();
  }

  /** Those of TCP and UDP. */
  static Stream<GoldenSegments> superpackets() {
    return all().stream().filter(one -> !one.name().startsWith("fragments"));
  }

  private static String text() {
    try (InputStream in = GoldenSegments.class.getResourceAsStream("/segments.txt")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public String toString() {
    return name;
  }

  /** A packet in direct memory. */
  static PacketBuffer memory(byte[] packet) {
    PacketBuffer buffer = PacketBuffer.allocate(packet.length);
    buffer.bytes().put(0, packet);
    return buffer;
  }

  /** The headers of a packet that is all of a buffer. */
  static InnerPacket read(PacketBuffer buffer) {
    InnerPacket packet = new InnerPacket();
    if (!packet.read(buffer.bytes(), 0, buffer.sizeBytes())) {
      throw new AssertionError("not a packet");
    }
    return packet;
  }
}
