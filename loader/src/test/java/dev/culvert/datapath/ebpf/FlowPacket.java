// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.Verdict;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * One entry of flow-packets.txt (loader/src/test/golden/flows.py): a packet that the stack carries,
 * and one that answers it or does not.
 *
 * @param fast the verdict on the second while nothing is remembered
 */
@SuppressWarnings("ArrayRecordComponent") // read once, never compared
record FlowPacket(
    String name,
    String carrier,
    byte[] carried,
    String program,
    byte[] answer,
    Verdict fast,
    Verdict verdict) {

  static List<FlowPacket> all() {
    try (InputStream in = FlowPacket.class.getResourceAsStream("/flow-packets.txt")) {
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      return Arrays.stream(text.strip().split("\n\n", -1)).map(FlowPacket::parse).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static FlowPacket named(String name) {
    return all().stream().filter(packet -> packet.name.equals(name)).findFirst().orElseThrow();
  }

  private static FlowPacket parse(String block) {
    Map<String, String> fields =
        Arrays.stream(block.split("\n", -1))
            .map(line -> line.split(": ", 2))
            .collect(Collectors.toMap(field -> field[0], field -> field[1]));
    HexFormat hex = HexFormat.of();
    return new FlowPacket(
        fields.get("name"),
        fields.get("carrier"),
        hex.parseHex(fields.get("carried")),
        fields.get("program"),
        hex.parseHex(fields.get("in")),
        Verdict.valueOf(fields.get("fast")),
        Verdict.valueOf(fields.get("verdict")));
  }
}
