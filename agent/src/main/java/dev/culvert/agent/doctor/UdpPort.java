// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.doctor;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** Which processes have a UDP port of this network namespace, as proc(5) tells. */
final class UdpPort {
  // Fields of a line of /proc/net/udp.
  private static final int LOCAL_ADDRESS = 1;
  private static final int INODE = 9;

  private final Path proc;

  /**
   * @param proc where proc is mounted
   */
  UdpPort(Path proc) {
    this.proc = proc;
  }

  /** Such as "dnsmasq (pid 7)". The kernel's own sockets, as of a VXLAN device, have no process. */
  List<String> holders(int port) {
    Set<String> sockets = sockets(port);
    List<String> holders = new ArrayList<>();
    if (!sockets.isEmpty()) {
      for (Path process : list(proc, "[0-9]*")) {
        boolean has =
            list(process.resolve("fd"), "*").stream().anyMatch(fd -> sockets.contains(target(fd)));
        if (has) {
          holders.add(
              read(process.resolve("comm")).strip() + " (pid " + process.getFileName() + ")");
        }
      }
    }
    return holders;
  }

  /** As links in /proc/PID/fd name them. */
  private Set<String> sockets(int port) {
    String end = String.format(Locale.ROOT, ":%04X", port);
    Set<String> sockets = new HashSet<>();
    for (String table : List.of("udp", "udp6")) {
      read(proc.resolve("self/net").resolve(table))
          .lines()
          .map(line -> line.strip().split("\\s+", -1))
          .filter(fields -> fields.length > INODE && fields[LOCAL_ADDRESS].endsWith(end))
          .forEach(fields -> sockets.add("socket:[" + fields[INODE] + "]"));
    }
    sockets.remove("socket:[0]");
    return sockets;
  }

  /** Processes end while we look, and others' are not ours to see: what cannot be read is empty. */
  private static List<Path> list(Path folder, String glob) {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, glob)) {
      List<Path> all = new ArrayList<>();
      entries.forEach(all::add);
      return all;
    } catch (IOException | DirectoryIteratorException | UncheckedIOException gone) {
      return List.of();
    }
  }

  private static String target(Path link) {
    try {
      return Files.readSymbolicLink(link).toString();
    } catch (IOException gone) {
      return "";
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException gone) {
      return "";
    }
  }
}
