// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Packets on one device, kept in a file; tcpdump records them, tcpdump and tshark read them. */
public final class Capture implements AutoCloseable {
  /**
   * What is recorded of which device.
   *
   * @param filter as in pcap-filter(7); empty for everything
   */
  public record Wire(String namespace, String device, String filter) {
    /** All but {@link LinkChatter}: what is counted is what the step is about. */
    public static Wire of(String namespace, String device) {
      return new Wire(namespace, device, LinkChatter.leftOut());
    }

    /** Link chatter too, for steps that show it. */
    public static Wire withChatter(String namespace, String device) {
      return new Wire(namespace, device, "");
    }
  }

  private static final Duration START = Duration.ofSeconds(5);
  private static final Duration ANALYSIS = Duration.ofSeconds(30);

  /** How long a packet may take from the device to tcpdump's reading. */
  private static final Duration SETTLE = Duration.ofMillis(60);

  /** tshark checks no checksums unless told to. */
  private static final List<String> CHECK_SUMS =
      List.of(
          "-o",
          "ip.check_checksum:TRUE",
          "-o",
          "tcp.check_checksum:TRUE",
          "-o",
          "udp.check_checksum:TRUE",
          // RFC 6935: none is no wrong one.
          "-o",
          "udp.ignore_ipv6_zero_checksum:TRUE");

  private final Shell shell;
  private final Path file;
  private final Running tcpdump;
  private boolean stopped;

  private Capture(Shell shell, Path file, Running tcpdump) {
    this.shell = shell;
    this.file = file;
    this.tcpdump = tcpdump;
  }

  /** Starts recording; returns once nothing is missed. */
  public static Capture start(Lab lab, Wire wire) {
    // The suffix is one that Debian's AppArmor profile lets tcpdump write.
    String name = wire.namespace() + "-" + wire.device() + "-" + System.nanoTime() + ".pcap";
    return start(lab.shell(), lab.file(name), wire);
  }

  /**
   * The same without a lab.
   *
   * @param file where the packets go; its log stands beside it
   */
  public static Capture start(Shell shell, Path file, Wire wire) {
    List<String> words =
        List.of(
            "tcpdump",
            "-Z",
            "root",
            "-n",
            "-U",
            "--immediate-mode",
            "-B",
            "16384",
            "-i",
            wire.device(),
            "-w",
            file.toString(),
            wire.filter());
    Path log = file.resolveSibling(file.getFileName() + ".log");
    Running tcpdump = shell.start(Command.of(words).in(wire.namespace()), log);
    tcpdump.awaitOutput("listening on", START);
    return new Capture(shell, file, tcpdump);
  }

  /** Stops recording; what was recorded can then be read. */
  public Capture stop() {
    if (!stopped) {
      stopped = true;
      Patience.pause(SETTLE);
      tcpdump.close();
    }
    return this;
  }

  /** Each packet as tcpdump prints it, without time, inner ones with their outer. */
  public List<String> lines(String filter) {
    stop();
    String text =
        shell.output(
            Command.of("tcpdump", "-t", "-n", "-r", file.toString(), filter).within(ANALYSIS));
    return joined(text);
  }

  public List<String> lines() {
    return lines("");
  }

  /** The same with each packet's Ethernet addresses. */
  public List<String> linesWithEthernet(String filter) {
    stop();
    return joined(
        shell.output(
            Command.of("tcpdump", "-t", "-n", "-e", "-r", file.toString(), filter)
                .within(ANALYSIS)));
  }

  /** tcpdump puts what is in a tunnel on a line of its own; "Ethernet II" payload follows. */
  static List<String> joined(String text) {
    List<String> packets = new ArrayList<>();
    boolean inner = false;
    for (String line : text.lines().toList()) {
      if (inner) {
        packets.set(packets.size() - 1, packets.getLast() + " { " + line.strip() + " }");
      } else {
        packets.add(line);
      }
      inner = !inner && line.contains("VXLAN");
    }
    return packets;
  }

  /**
   * Fields of every packet that a display filter of wireshark lets through, checksums checked. A
   * field that occurs several times (outer, inner) has its values joined by commas.
   *
   * @param tunnelPort UDP port that carries VXLAN
   */
  public List<List<String>> fields(int tunnelPort, String displayFilter, String... names) {
    stop();
    List<String> words = new ArrayList<>(List.of("tshark", "-n", "-r", file.toString()));
    words.addAll(CHECK_SUMS);
    words.addAll(List.of("-d", "udp.port==" + tunnelPort + ",vxlan"));
    words.addAll(List.of("-Y", displayFilter, "-T", "fields", "-E", "separator=/t"));
    for (String name : names) {
      words.addAll(List.of("-e", name));
    }
    return shell
        .output(Command.of(words).within(ANALYSIS))
        .lines()
        .map(line -> List.of(line.split("\t", -1)))
        .toList();
  }

  @Override
  public void close() {
    tcpdump.close();
  }
}
