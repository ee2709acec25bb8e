// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.Verdict;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/** One entry of golden-packets.txt or path-packets.txt. Byte arrays are fresh at each call. */
public record GoldenPacket(
    String name,
    String program,
    String inHex,
    Verdict verdict,
    Optional<String> outHex,
    Optional<Integer> gsoSizeBytes,
    Optional<Path> path) {
  /** By resource: some tests ask for one packet thousands of times. */
  private static final Map<String, List<GoldenPacket>> READ = new ConcurrentHashMap<>();

  /**
   * What is to be known of a way afterwards.
   *
   * @param self this host's underlay address
   * @param mtuBytes 0 for nothing
   */
  public record Path(InetAddress self, InetAddress vtep, int mtuBytes) {}

  public byte[] in() {
    return HexFormat.of().parseHex(inHex);
  }

  public Optional<byte[]> out() {
    return outHex.map(HexFormat.of()::parseHex);
  }

  /** Whether something else comes out than went in. */
  public boolean isChanged() {
    return outHex.isPresent() && !outHex.get().equals(inHex);
  }

  public static List<GoldenPacket> all() {
    return of("/golden-packets.txt");
  }

  /** What routers say of tunnel packets that were too big for them. */
  public static List<GoldenPacket> aboutPaths() {
    return of("/path-packets.txt");
  }

  /** To whom nobody has. */
  public static List<GoldenPacket> aboutNobody() {
    return of("/nobody-packets.txt");
  }

  private static List<GoldenPacket> of(String resource) {
    return READ.computeIfAbsent(resource, GoldenPacket::read);
  }

  private static List<GoldenPacket> read(String resource) {
    try (InputStream in = GoldenPacket.class.getResourceAsStream(resource)) {
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      List<GoldenPacket> packets = new ArrayList<>();
      for (String block : text.strip().split("\n\n", -1)) {
        packets.add(parse(block));
      }
      return List.copyOf(packets);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The first packet, of all but those about paths, whose name begins so. */
  public static GoldenPacket named(String start) {
    return Stream.concat(all().stream(), aboutNobody().stream())
        .filter(packet -> packet.name.startsWith(start))
        .findFirst()
        .orElseThrow(() -> new AssertionError("No golden packet's name begins with: " + start));
  }

  private static GoldenPacket parse(String block) {
    Map<String, String> fields = new HashMap<>();
    for (String line : block.split("\n", -1)) {
      int colon = line.indexOf(": ");
      fields.put(line.substring(0, colon), line.substring(colon + 2));
    }
    return new GoldenPacket(
        fields.get("name"),
        fields.get("program"),
        fields.get("in"),
        Verdict.valueOf(fields.get("verdict")),
        Optional.ofNullable(fields.get("out")),
        Optional.ofNullable(fields.get("gso")).map(Integer::valueOf),
        Optional.ofNullable(fields.get("path"))
            .map(mtu ->
                new Path(
                    InetAddress.ofLiteral(fields.get("self")),
                    InetAddress.ofLiteral(fields.get("vtep")),
                    Integer.parseInt(mtu))));
  }
}
