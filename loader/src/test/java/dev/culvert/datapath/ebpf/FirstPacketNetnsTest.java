// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.ebpf.TwoHosts.Host;
import dev.culvert.testing.RequiresRoot;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The host's own packet into the overlay while the next hop's MAC is not known: the kernel keeps it
 * until it is, and then sends it where it belongs.
 */
@RequiresRoot
@Tag("netns")
class FirstPacketNetnsTest {
  private static final int PORT = 4789;

  @TempDir Path folder;

  @ParameterizedTest(name = "underlay of IPv6: {0}")
  @ValueSource(booleans = {false, true})
  void isDeliveredAndRightlyAddressed(boolean underlay6) throws Exception {
    try (TwoHosts hosts = new TwoHosts("cv-fp", underlay6)) {
      Host one = hosts.host(1);
      hosts.startCulvert(one, hosts.host(2), PORT).close();
      hosts.startCulvert(hosts.host(2), one, PORT).close();
      Path seen = folder.resolve("seen");
      Process capture =
          new ProcessBuilder(
                  "ip",
                  "netns",
                  "exec",
                  one.namespace(),
                  "timeout",
                  "20",
                  "tcpdump",
                  "-neUqi",
                  TwoHosts.UNDERLAY,
                  "-c",
                  "2",
                  "udp",
                  "port",
                  String.valueOf(PORT))
              .redirectOutput(seen.toFile())
              .redirectError(folder.resolve("said").toFile())
              .start();
      try {
        awaitCapture();
        for (String destination : new String[] {"10.244.2.2", "fd00:244:2::2"}) {
          one.run("ip neigh flush dev under0");
          String answer = Commands.in(one.namespace(), "ping -c 1 -W 3 " + destination);
          assertTrue(answer.contains(" 0% packet loss"), answer);
        }
        assertEquals(0, capture.waitFor());
      } finally {
        capture.destroyForcibly().waitFor();
      }
      String frames = Files.readString(seen);
      assertFalse(frames.contains(one.mac().toString()), frames);
    }
  }

  private void awaitCapture() throws Exception {
    Path said = folder.resolve("said");
    for (int i = 0; i < 200; i++) {
      if (Files.readString(said).contains("listening")) {
        return;
      }
      Thread.sleep(50);
    }
    throw new AssertionError("tcpdump does not listen");
  }
}
