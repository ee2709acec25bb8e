// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.testing.RequiresRoot;
import java.io.BufferedReader;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A link in the middle of the underlay takes less than the hosts' own links: senders that ask not
 * to have their packets cut learn the size from our answers, and nobody's packets vanish. No agent
 * lives meanwhile.
 */
@RequiresRoot
@Tag("netns")
class NarrowWayNetnsTest {
  private static final int STREAM_BYTES = 8 << 20;

  @TempDir Path folder;

  @ParameterizedTest(name = "underlay IPv6: {0}, inner IPv6: {1}")
  @CsvSource({
    "false, false, 1350", // 1400 less 50
    "false, true, 1350",
    "true, false, 1330", // 1400 less 70
    "true, true, 1330",
  })
  void tcpAndUdpAdapt(boolean underlay6, boolean inner6, int expected) throws Exception {
    try (NarrowWay way = new NarrowWay("cv-nw", underlay6, inner6)) {
      way.start(EbpfDatapath.Config.PATH_MTU_LIFETIME);
      way.middleTakes(1400);
      Process there = serve(way.container(2), way.address(2));
      Process here = serve(way.container(1), way.address(1));
      try {
        assertEquals("sent", run(way.container(1), "tcp", way.address(2), STREAM_BYTES));
        assertTrue(way.count(1, Verdict.DROPPED_TOO_BIG) > 0, "nobody was told");
        assertEquals("sent", run(way.container(2), "tcp", way.address(1), STREAM_BYTES));
        assertEquals("" + expected, run(way.container(1), "udp", way.address(2), 1400));
        assertEquals("" + expected, run(way.container(2), "udp", way.address(1), 1400));
      } finally {
        there.destroyForcibly().waitFor();
        here.destroyForcibly().waitFor();
      }
    }
  }

  private Process serve(String namespace, String address) throws Exception {
    Process server =
        new ProcessBuilder(
                List.of(
                    "ip", "netns", "exec", namespace, "python3", script(), "serve", address))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    BufferedReader lines = server.inputReader();
    assertEquals("ready", lines.readLine());
    return server;
  }

  private String run(String namespace, String mode, String address, int bytes) throws Exception {
    return Commands.in(
            namespace, "python3 %s %s %s %d".formatted(script(), mode, address, bytes))
        .strip();
  }

  private String script() throws Exception {
    Path script = folder.resolve("narrow.py");
    if (!Files.exists(script)) {
      try (InputStream in = NarrowWayNetnsTest.class.getResourceAsStream("narrow.py")) {
        Files.copy(in, script);
      }
    }
    return script.toString();
  }
}
