// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Captures what namespaces receive on eth0, and has tshark look at the checksums. Only frames that
 * the kernel has not merged are judged: a merged packet's checksum is a note for whoever cuts it.
 */
final class BadChecksums implements AutoCloseable {
  /** Bytes of the largest frame with an MTU of 1500. */
  private static final int FRAME_BYTES = 1514;

  private static final int MOST_PACKETS = 4000;

  private final Map<String, Path> files = new HashMap<>();
  private final List<Process> captures = new ArrayList<>();

  private BadChecksums() {}

  /** Where checksums are left to devices, captured packets have none yet. */
  static BadChecksums none() {
    return new BadChecksums();
  }

  static BadChecksums watch(Path folder, List<String> namespaces) throws IOException {
    BadChecksums watching = new BadChecksums();
    for (String namespace : namespaces) {
      Path file = folder.resolve(namespace + ".pcap");
      watching.files.put(namespace, file);
      Process capture =
          new ProcessBuilder(
                  "ip netns exec %s tcpdump -q -Q in -i eth0 -U -s 2000 -c %d -w %s less %d"
                      .formatted(namespace, MOST_PACKETS, file, FRAME_BYTES)
                      .split(" ", -1))
              .redirectErrorStream(true)
              .start();
      watching.captures.add(capture);
      capture.inputReader().readLine(); // "listening on eth0"
    }
    return watching;
  }

  /**
   * Frames whose IP, TCP, UDP or ICMP checksum is wrong, as tshark describes them. 0xffff is the
   * other zero of ones' complement: where a TCP checksum is 0, kernels write either, receivers take
   * either (RFC 1624 section 3), and tshark calls this one wrong.
   */
  List<String> found() throws InterruptedException {
    stop();
    List<String> bad = new ArrayList<>();
    files.forEach((namespace, file) -> {
      String seen = tshark(file, "frame.number == 1", "frame.len");
      if (seen.isEmpty()) {
        bad.add("nothing was captured in " + namespace);
      }
      String said =
          tshark(
              file,
              "ip.checksum.status == 0 || (tcp.checksum.status == 0 && tcp.checksum != 0xffff)"
                  + " || udp.checksum.status == 0"
                  + " || icmp.checksum.status == 0",
              "_ws.col.Info");
      said.lines().limit(3).forEach(line -> bad.add(namespace + ": " + line));
    });
    return bad;
  }

  private static String tshark(Path file, String filter, String field) {
    List<String> command = new ArrayList<>(List.of("tshark", "-r", file.toString()));
    for (String layer : List.of("ip", "tcp", "udp")) {
      command.addAll(List.of("-o", layer + ".check_checksum:TRUE"));
    }
    command.addAll(List.of("-Y", filter, "-T", "fields", "-e", field));
    return Commands.quietly(command);
  }

  private void stop() throws InterruptedException {
    for (Process capture : captures) {
      capture.destroy();
      capture.waitFor();
    }
  }

  @Override
  public void close() {
    captures.forEach(Process::destroyForcibly);
  }
}
