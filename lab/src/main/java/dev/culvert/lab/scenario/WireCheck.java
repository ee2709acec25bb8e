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
import java.util.List;

/**
 * What the router sees of the overlay. A veth carries superpackets with checksums left to the
 * receiver, which no wire would; so meanwhile the hosts' underlay devices are told to offload
 * nothing, and what the router captures is what a wire would carry.
 */
final class WireCheck {
  private static final long TCP_BYTES = 1 << 20;

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
            Capture.Wire.of(
                LabPlan.standard(LabPlan.Underlay.ROUTED).routerNamespace(), from.host().name()))) {
      var ping = Probes.ping(stage.shell(), from.namespace(), to.address(), 2);
      List<String> datagrams = Datagrams.echo(from, to, List.of(1, 100, 1300));
      Transfer.Sums sums = Transfer.run(from, to, TCP_BYTES);
      capture.stop(); // before offloads are on again: the last segments may still be on their way
      boolean worked = ping.all() && datagrams.isEmpty() && sums.intact();
      TunnelPackets packets = TunnelPackets.read(capture, from, to, datapath.tunnelPort());
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

  private static Outcome addresses(boolean worked, TunnelPackets packets, List<String> lines) {
    List<List<String>> others = packets.others();
    return Outcome.of(
            worked && packets.size() > 0 && others.isEmpty(),
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

  private static Outcome soundness(TunnelPackets packets) {
    return Outcome.of(
        packets.size() > 0
            && packets.malformed() == 0
            && packets.bad() == 0
            && packets.verified() >= packets.size(),
        "%d packets: %d malformed, %d with a bad checksum (%d checksums verified)"
            .formatted(packets.size(), packets.malformed(), packets.bad(), packets.verified()));
  }
}
