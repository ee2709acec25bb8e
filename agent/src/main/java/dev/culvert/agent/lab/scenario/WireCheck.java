// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.lab.scenario;

import dev.culvert.agent.lab.Capture;
import dev.culvert.agent.lab.Command;
import dev.culvert.agent.lab.Datagrams;
import dev.culvert.agent.lab.LabPlan;
import dev.culvert.agent.lab.Outcome;
import dev.culvert.agent.lab.Probes;
import dev.culvert.agent.lab.Stage;
import dev.culvert.agent.lab.Topology;
import dev.culvert.agent.lab.Transfer;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

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
    "udp.dstport",
    "vxlan.vni",
    "_ws.malformed",
    "ip.checksum.status",
    "udp.checksum.status",
    "tcp.checksum.status",
    "icmp.checksum.status"
  };
  private static final int FIRST_CHECKSUM = 5;

  private final Stage stage;
  private final LabPlan.Container from;
  private final LabPlan.Container to;

  WireCheck(Stage stage, LabPlan.Container from, LabPlan.Container to) {
    this.stage = stage;
    this.from = from;
    this.to = to;
  }

  void run() {
    LabPlan plan = stage.topology().plan();
    offload(false);
    try (Capture capture =
        Capture.start(stage.lab(), plan.routerNamespace(), from.host().name(), "ip")) {
      var ping = Probes.ping(stage.shell(), from.namespace(), to.address(), 2);
      List<String> datagrams = Datagrams.echo(from, to, List.of(1, 100, 1400));
      Transfer.Sums sums = Transfer.run(from, to, TCP_BYTES);
      capture.stop(); // before offloads are on again: the last segments may still be on their way
      boolean worked = ping.all() && datagrams.isEmpty() && sums.intact();
      List<List<String>> packets = capture.fields(tunnel(), "ip", FIELDS);
      stage
          .report()
          .step(
              "The router captures ICMP, UDP and 1 MiB of TCP between them, offloads off",
              "only VXLAN (UDP %d) between %s and %s, inside it both containers' own addresses"
                  .formatted(
                      stage.overlay().tunnelPort(), from.host().address(), to.host().address()),
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
    return stage.overlay().tunnelPort();
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
                !wanted.contains(packet.get(0))
                    || !wanted.contains(packet.get(1))
                    || packet.get(0).equals(packet.get(1))
                    || !first(packet.get(2)).equals(Integer.toString(tunnel())))
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
    return List.of("ICMP echo request", "ICMP echo reply", ": UDP, length", "Flags [S]").stream()
        .flatMap(text -> lines.stream().filter(line -> line.contains(text)).limit(1))
        .toList();
  }

  private static Outcome soundness(List<List<String>> packets) {
    long malformed = packets.stream().filter(packet -> !packet.get(4).isEmpty()).count();
    long bad = packets.stream().filter(packet -> sums(packet).contains(BAD)).count();
    long good =
        packets.stream()
            .mapToLong(packet -> sums(packet).stream().filter(GOOD::equals).count())
            .sum();
    return Outcome.of(
        !packets.isEmpty() && malformed == 0 && bad == 0 && good > packets.size(),
        "%d packets: %d malformed, %d with a bad checksum (%d checksums verified)"
            .formatted(packets.size(), malformed, bad, good));
  }

  private static List<String> sums(List<String> packet) {
    return packet.stream()
        .skip(FIRST_CHECKSUM)
        .flatMap(values -> Arrays.stream(values.split(",", -1)))
        .toList();
  }

  private static String pair(String outer, String inner) {
    return outer + "," + inner;
  }

  private static String first(String values) {
    return values.split(",", -1)[0];
  }
}
