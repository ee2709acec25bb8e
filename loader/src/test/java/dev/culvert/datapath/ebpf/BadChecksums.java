// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.packet.InternetChecksum;
import java.io.IOException;
import java.nio.ByteBuffer;
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

  /** Of a frame that tshark calls wrong, in this order. */
  private static final List<String> FIELDS =
      List.of(
          "ip.src",
          "ip.dst",
          "ipv6.src",
          "ipv6.dst",
          "tcp.hdr_len",
          "tcp.len",
          "tcp.checksum",
          "tcp.checksum_calculated",
          "frame.len",
          "_ws.col.Info");

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
      if (tshark(file, "frame.number == 1", List.of("frame.len")).isEmpty()) {
        bad.add("nothing was captured in " + namespace);
      }
      in(file).stream().limit(3).forEach(line -> bad.add(namespace + ": " + line));
    });
    return bad;
  }

  /** What is wrong in one file. */
  static List<String> in(Path file) {
    String said =
        tshark(
            file,
            "ip.checksum.status == 0 || (tcp.checksum.status == 0 && tcp.checksum != 0xffff)"
                + " || udp.checksum.status == 0"
                + " || icmp.checksum.status == 0",
            FIELDS);
    return said.lines().filter(line -> !isMerged(line.split("\t", -1))).toList();
  }

  /**
   * Segments so small that they fit one frame together, which the kernel has merged all the same:
   * their TCP checksum is the sum of the pseudo header (tcp_gro_complete in
   * net/ipv4/tcp_offload.c).
   */
  private static boolean isMerged(String[] fields) {
    String[] addresses = {fields[0] + fields[2], fields[1] + fields[3]};
    if (fields[6].isEmpty() || addresses[0].isEmpty()) {
      return false;
    }
    long sum = 6 + Long.parseLong(fields[4]) + Long.parseLong(fields[5]);
    for (String text : addresses) {
      byte[] address = IpPrefix.parseAddress(text).getAddress();
      sum += InternetChecksum.sum(ByteBuffer.wrap(address), 0, address.length);
    }
    return InternetChecksum.fold(sum) == Integer.decode(fields[6]);
  }

  private static String tshark(Path file, String filter, List<String> fields) {
    List<String> command = new ArrayList<>(List.of("tshark", "-r", file.toString()));
    for (String layer : List.of("ip", "tcp", "udp")) {
      command.addAll(List.of("-o", layer + ".check_checksum:TRUE"));
    }
    command.addAll(List.of("-Y", filter, "-T", "fields"));
    fields.forEach(field -> command.addAll(List.of("-e", field)));
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
