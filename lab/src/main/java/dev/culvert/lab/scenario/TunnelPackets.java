// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.scenario;

import dev.culvert.lab.Capture;
import dev.culvert.lab.LabPlan;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What was captured between two containers' hosts, as tshark reads it: only the tunnel's packets
 * should be there, with both containers' own addresses inside, and all of them sound.
 *
 * @param port the tunnel's
 * @param packets each with {@link #FIELDS}
 */
record TunnelPackets(
    LabPlan.Container from, LabPlan.Container to, int port, List<List<String>> packets) {
  /** As tshark's *.checksum.status says it. */
  private static final String BAD = "0";

  private static final String GOOD = "1";

  private static final String[] FIELDS = {
    "ip.src",
    "ip.dst",
    "ipv6.src",
    "ipv6.dst",
    "udp.dstport",
    "_ws.malformed",
    "tcp.checksum",
    "ip.checksum.status",
    "udp.checksum.status",
    "tcp.checksum.status",
    "icmp.checksum.status",
    "icmpv6.checksum.status"
  };
  private static final int SOURCE = 0;
  private static final int DESTINATION = 1;
  private static final int PORT = 4;
  private static final int MALFORMED = 5;
  private static final int TCP_CHECKSUM = 6;
  private static final int FIRST_CHECKSUM = 7;

  /**
   * The other zero of ones' complement: where the sum is 0, kernels write either, and receivers
   * take either (RFC 1624 section 3). tshark calls this one bad, in one packet of 65,536.
   */
  private static final String OTHER_ZERO = "0xffff";

  /** Stops the capture and reads it. */
  static TunnelPackets read(
      Capture capture, LabPlan.Container from, LabPlan.Container to, int port) {
    return new TunnelPackets(from, to, port, capture.fields(port, "frame", FIELDS));
  }

  int size() {
    return packets.size();
  }

  /** Those that should not be there. */
  List<List<String>> others() {
    return packets.stream().filter(packet -> !isTunneled(packet)).toList();
  }

  private boolean isTunneled(List<String> packet) {
    Set<String> ends =
        Set.of(
            pair(from.host().address(), from.address()), pair(to.host().address(), to.address()));
    return packet.get(PORT).split(",", -1)[0].equals(Integer.toString(port))
        && ends.equals(
            Set.copyOf(List.of(addresses(packet, SOURCE), addresses(packet, DESTINATION))));
  }

  private static String pair(String outer, String inner) {
    return outer + "," + inner;
  }

  /** Outer and inner, which tshark lists by family. */
  private String addresses(List<String> packet, int which) {
    String ipv4 = packet.get(which);
    String ipv6 = packet.get(which + 2);
    boolean outer6 = from.host().address().contains(":");
    return Stream.of(outer6 ? ipv6 : ipv4, outer6 ? ipv4 : ipv6)
        .filter(values -> !values.isEmpty())
        .collect(Collectors.joining(","));
  }

  long malformed() {
    return packets.stream().filter(packet -> !packet.get(MALFORMED).isEmpty()).count();
  }

  /** Packets with a wrong checksum. */
  long bad() {
    return packets.stream()
        .filter(packet -> sums(packet).anyMatch(BAD::equals))
        .filter(packet -> !packet.get(TCP_CHECKSUM).equals(OTHER_ZERO))
        .count();
  }

  /** Checksums found right. */
  long verified() {
    return packets.stream().flatMap(TunnelPackets::sums).filter(GOOD::equals).count();
  }

  private static Stream<String> sums(List<String> packet) {
    return packet.stream()
        .skip(FIRST_CHECKSUM)
        .flatMap(values -> Arrays.stream(values.split(",", -1)));
  }
}
