// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.scenario;

import dev.culvert.lab.Capture;
import dev.culvert.lab.Command;
import dev.culvert.lab.Datagrams;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Outcome;
import dev.culvert.lab.Probes;
import dev.culvert.lab.Topology;
import dev.culvert.lab.Transfer;
import dev.culvert.lab.datapath.LabDatapath;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What the router sees of the overlay. A veth carries superpackets with checksums left to the
 * receiver, which no wire would; so meanwhile the hosts' underlay devices are told to offload
 * nothing, and what the router captures is what a wire would carry.
 */
final class WireCheck {
  private static final long TCP_BYTES = 1 << 20;

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

  /** Neighbour discovery is the underlay's own business; ARP is no IP. */
  private static final String UNDERLAY_TRAFFIC = "ip or (ip6 and not icmp6)";

  private final Stage stage;
  private final LabDatapath datapath;
  private final LabPlan.Container from;
  private final LabPlan.Container to;

  WireCheck(Stage stage, LabDatapath datapath, LabPlan.Container from, LabPlan.Container to) {
    this.stage = stage;
    this.datapath = datapath;
    this.from = from;
    this.to = to;
  }

  void run() {
    offload(false);
    try (Capture capture =
        Capture.start(
            stage.lab(),
            LabPlan.standard(LabPlan.Underlay.ROUTED).routerNamespace(),
            from.host().name(),
            UNDERLAY_TRAFFIC)) {
      var ping = Probes.ping(stage.shell(), from.namespace(), to.address(), 2);
      List<String> datagrams = Datagrams.echo(from, to, List.of(1, 100, 1300));
      Transfer.Sums sums = Transfer.run(from, to, TCP_BYTES);
      capture.stop(); // before offloads are on again: the last segments may still be on their way
      boolean worked = ping.all() && datagrams.isEmpty() && sums.intact();
      List<List<String>> packets = capture.fields(tunnel(), "ip or ipv6", FIELDS);
      stage
          .report()
          .step(
              "The router captures ICMP, UDP and 1 MiB of TCP between them, offloads off",
              "only VXLAN (UDP %d) between %s and %s, inside it both containers' own addresses"
                  .formatted(datapath.tunnelPort(), from.host().address(), to.host().address()),
              () -> addresses(worked, packets, capture.lines("")));
      stage
          .report()
          .step(
              "tshark examines every one of these packets, inner and outer",
              "no malformed packet, no bad checksum",
              () -> soundness(packets));
    } finally {
      offload(true);
    }
  }

  private int tunnel() {
    return datapath.tunnelPort();
  }

  private void offload(boolean on) {
    String state = on ? "on" : "off";
    for (LabPlan.Container container : List.of(from, to)) {
      stage
          .shell()
          .check(
              Command.of("ethtool", "-K", Topology.DEVICE, "tx", state, "tso", state, "gso", state)
                  .in(container.host().namespace()));
    }
  }

  private Outcome addresses(boolean worked, List<List<String>> packets, List<String> lines) {
    Set<String> wanted =
        Set.of(
            pair(from.host().address(), from.address()), pair(to.host().address(), to.address()));
    List<List<String>> others =
        packets.stream()
            .filter(packet ->
                !wanted.contains(addresses(packet, SOURCE))
                    || !wanted.contains(addresses(packet, DESTINATION))
                    || addresses(packet, SOURCE).equals(addresses(packet, DESTINATION))
                    || !first(packet.get(PORT)).equals(Integer.toString(tunnel())))
            .toList();
    return Outcome.of(
            worked && !packets.isEmpty() && others.isEmpty(),
            "%d packets, %d of them otherwise%s"
                .formatted(
                    packets.size(), others.size(), worked ? "" : "; the exchange itself FAILED"))
        .with(
            others.isEmpty()
                ? examples(lines)
                : others.stream().limit(5).map(String::valueOf).toList());
  }

  /** The first packet of each protocol. */
  private static List<String> examples(List<String> lines) {
    return List.of("echo request", "echo reply", ": UDP, length", "Flags [S]").stream()
        .flatMap(text -> lines.stream().filter(line -> line.contains(text)).limit(1))
        .toList();
  }

  private static Outcome soundness(List<List<String>> packets) {
    long malformed = packets.stream().filter(packet -> !packet.get(MALFORMED).isEmpty()).count();
    long bad = packets.stream().filter(WireCheck::isBad).count();
    long good =
        packets.stream()
            .mapToLong(packet -> sums(packet).stream().filter(GOOD::equals).count())
            .sum();
    return Outcome.of(
        !packets.isEmpty() && malformed == 0 && bad == 0 && good >= packets.size(),
        "%d packets: %d malformed, %d with a bad checksum (%d checksums verified)"
            .formatted(packets.size(), malformed, bad, good));
  }

  private static boolean isBad(List<String> packet) {
    return sums(packet).contains(BAD) && !packet.get(TCP_CHECKSUM).equals(OTHER_ZERO);
  }

  private static List<String> sums(List<String> packet) {
    return packet.stream()
        .skip(FIRST_CHECKSUM)
        .flatMap(values -> Arrays.stream(values.split(",", -1)))
        .toList();
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

  private static String pair(String outer, String inner) {
    return outer + "," + inner;
  }

  private static String first(String values) {
    return values.split(",", -1)[0];
  }
}
