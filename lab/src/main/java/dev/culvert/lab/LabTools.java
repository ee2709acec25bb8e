// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The programs that the lab runs, by the Debian packages that bring them. */
public final class LabTools {
  /** Read by ./dev and ./culvert too, which install what is missing before they start us. */
  private static final String PACKAGES = "packages.txt";

  private static final Map<String, List<String>> PROGRAMS =
      Map.of(
          "iproute2", List.of("ip", "bridge"),
          "nftables", List.of("nft"),
          "iputils-ping", List.of("ping"),
          "iperf3", List.of("iperf3"),
          "tcpdump", List.of("tcpdump"),
          "tshark", List.of("tshark"),
          "ethtool", List.of("ethtool"),
          "util-linux", List.of("nsenter", "taskset", "setsid"));

  private LabTools() {}

  /** The packages that the lab needs, in the file's order. */
  public static List<String> packages() {
    try (InputStream in = LabTools.class.getResourceAsStream(PACKAGES);
        BufferedReader reader =
            new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      return reader.lines().filter(line -> !line.isBlank()).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static List<String> programs(String debianPackage) {
    return PROGRAMS.get(debianPackage);
  }

  /** The packages of which a program is not there. */
  public static List<String> missing() {
    return missing(folders());
  }

  private static List<Path> folders() {
    String path = System.getenv().getOrDefault("PATH", "");
    return Stream.concat(Stream.of(path.split(":")), Stream.of("/usr/sbin", "/sbin", "/usr/bin"))
        .map(Path::of)
        .toList();
  }

  /** Whether a program that only some labs need is there. */
  static boolean isThere(String program) {
    return isIn(program, folders());
  }

  static List<String> missing(List<Path> folders) {
    return packages().stream()
        .filter(name -> !PROGRAMS.get(name).stream().allMatch(tool -> isIn(tool, folders)))
        .toList();
  }

  private static boolean isIn(String tool, List<Path> folders) {
    return folders.stream().anyMatch(folder -> Files.isExecutable(folder.resolve(tool)));
  }

  /**
   * Refuses to go on without them.
   *
   * @throws LabException naming all that is missing, and the command that installs it
   */
  public static void require() {
    List<String> missing = missing();
    if (!missing.isEmpty()) {
      throw new LabException(
          "The lab needs these Debian packages, which are not installed: %s. Try: apt-get install %s"
              .formatted(String.join(", ", missing), String.join(" ", missing)));
    }
  }
}
