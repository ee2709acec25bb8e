// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.scenario;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.lab.Capture;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Patience;
import dev.culvert.lab.Shell;
import dev.culvert.testing.RequiresRoot;
import dev.culvert.testing.TestNamespace;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What counts as a leak on a captured wire. Frames are the kernel's own and scapy's (frames.py),
 * each with an Ethernet source of its own.
 */
@RequiresRoot
@Tag("netns")
class TunnelPacketsNetnsTest {
  private static final String DEVICE = "eth0";
  private static final String SOURCE = "eth.src";
  private static final int PORT = 4789;
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  @TempDir private Path folder;
  private final Shell shell = new Shell();
  private TestNamespace sender;
  private TestNamespace listener;
  private Path script;

  @BeforeEach
  void build() throws Exception {
    script = folder.resolve("frames.py");
    try (InputStream in = getClass().getResourceAsStream("frames.py")) {
      var _ = Files.copy(in, script);
    }
    sender = TestNamespace.create();
    listener = TestNamespace.create();
    sender.run(
        words(
            "ip link add "
                + DEVICE
                + " type veth peer name "
                + DEVICE
                + " netns "
                + listener.name()));
    listener.run(words("ip link set " + DEVICE + " up"));
  }

  @AfterEach
  void remove() throws Exception {
    shell.close();
    sender.close();
    listener.close();
  }

  private static String[] words(String command) {
    return command.split(" ");
  }

  private Capture capture(String name, Capture.Wire wire) {
    return Capture.start(shell, folder.resolve(name + ".pcap"), wire);
  }

  /** The MACs of the frames that were sent. */
  private List<String> send(String kind) throws Exception {
    return sender
        .run("/usr/bin/python3", script.toString(), DEVICE, kind)
        .lines()
        .map(line -> line.split(" ", 2)[0])
        .toList();
  }

  /** Waits until the sender's kernel has said what kernels say when a link comes up. */
  private void awaitKernelChatter() {
    Patience.until(
        "the kernel's own reports and solicitations",
        PATIENCE,
        () ->
            Stream.of("Icmp6OutMLDv2Reports", "Icmp6OutRouterSolicits", "Icmp6OutNeighborSolicits")
                .noneMatch(name -> counted(name).equals("0")));
  }

  private String counted(String name) {
    try {
      return sender
          .run("cat", "/proc/net/snmp6")
          .lines()
          .filter(line -> line.startsWith(name + " "))
          .map(line -> line.substring(line.lastIndexOf('\t') + 1).strip())
          .findFirst()
          .orElseThrow(() -> new AssertionError("no " + name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void countsLeaksAndNoChatter() throws Exception {
    LabPlan plan = LabPlan.standard(LabPlan.Underlay.ROUTED);
    try (Capture all = capture("all", Capture.Wire.withChatter(listener.name(), DEVICE));
        Capture counted = capture("counted", Capture.Wire.of(listener.name(), DEVICE))) {
      sender.run(words("ip link set " + DEVICE + " up"));
      sender.run(words("ip address add 10.17.2.2/24 dev " + DEVICE));
      awaitKernelChatter();
      List<String> chatter = send("chatter");
      List<String> leaks = send("leaks");

      assertEquals(leaks, sources(counted), () -> String.join("\n", counted.lines()));
      TunnelPackets packets =
          TunnelPackets.read(counted, Stage.talker(plan), Stage.listener(plan), PORT);
      assertEquals(leaks.size(), packets.others().size());

      List<String> heard = sources(all);
      assertTrue(heard.containsAll(chatter), "the chatter was not on the wire: " + heard);
      assertTrue(heard.containsAll(leaks), heard::toString);
      assertTrue(
          all.lines().stream().anyMatch(line -> line.contains("ff02::16: HBH ICMP6, multicast")),
          "the kernel's own multicast report was not on the wire");
    }
  }

  /** One for each packet; the inner one's comes after a comma. */
  private static List<String> sources(Capture capture) {
    return capture.fields(PORT, "frame", SOURCE).stream()
        .map(values -> values.getFirst().split(",", -1)[0])
        .toList();
  }

  @Test
  void countsNoTunnelPacketsAsLeaks() throws Exception {
    LabPlan plan = LabPlan.standard(LabPlan.Underlay.ROUTED);
    try (Capture counted = capture("tunnel", Capture.Wire.of(listener.name(), DEVICE))) {
      sender.run(words("ip link set " + DEVICE + " up"));
      List<String> tunneled = send("tunneled");
      assertEquals(tunneled, sources(counted));
      TunnelPackets packets =
          TunnelPackets.read(counted, Stage.talker(plan), Stage.listener(plan), PORT);
      assertEquals(List.of(), packets.others());
      assertEquals(0, packets.malformed());
      assertEquals(0, packets.bad());
      assertTrue(packets.verified() >= tunneled.size());
    }
  }
}
