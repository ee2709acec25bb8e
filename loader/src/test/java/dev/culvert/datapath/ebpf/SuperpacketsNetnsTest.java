// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Decapsulation;
import dev.culvert.testing.RequiresRoot;
import java.io.BufferedReader;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Packets that somebody must cut: UDP superpackets (UDP_SEGMENT) and IP fragments, whole across the
 * underlay or cut before it, with checksums by the device or by software, decapsulated at tc and at
 * XDP. TCP has its own tests beside ({@link KernelVxlanInteropNetnsTest}) and in the lab.
 */
@RequiresRoot
@Tag("netns")
class SuperpacketsNetnsTest {
  private static final int PORT = 4789;

  @TempDir static Path folder;

  private static Path script;
  private static TwoHosts hosts;
  private static EbpfDatapath first;

  @BeforeAll
  static void build() throws Exception {
    script = folder.resolve("traffic.py");
    try (InputStream in = SuperpacketsNetnsTest.class.getResourceAsStream("traffic.py")) {
      Files.copy(in, script);
    }
    hosts = new TwoHosts("cv-sp");
    first = hosts.startCulvert(hosts.host(1), hosts.host(2), PORT);
    hosts.startCulvert(hosts.host(2), hosts.host(1), PORT).close();
  }

  @AfterAll
  static void tearDown() {
    if (first != null) {
      first.close();
    }
    if (hosts != null) {
      hosts.close();
    }
  }

  @ParameterizedTest(name = "{0}, cut before the wire: {1}, checksum offload: {2}, {3}")
  @CsvSource({
    "segment, false, true, TC",
    "segment, false, true, XDP",
    "segment, true, true, TC",
    "segment, true, true, XDP",
    "segment, true, false, TC",
    "segment, true, false, XDP",
    "fragment, false, true, TC",
    "fragment, false, true, XDP",
    "fragment, true, false, TC",
    "fragment, true, false, XDP",
  })
  void everyDatagramArrivesIntact(
      String traffic, boolean cut, boolean checksumOffload, Decapsulation where) throws Exception {
    hosts.takeOver(hosts.host(2), PORT, where).close();
    hosts.offloads(!cut, checksumOffload);
    String count = traffic.equals("segment") ? "420" : "20";
    Process receiver =
        start(hosts.host(2).container(), "receive", hosts.host(2).containerAddress(), count);
    try (BufferedReader lines = receiver.inputReader()) {
      assertEquals("ready", lines.readLine());
      String sent =
          Commands.in(
                  hosts.host(1).container(),
                  "python3 %s %s %s".formatted(script, traffic, hosts.host(2).containerAddress()))
              .strip();
      assertTrue(sent.startsWith(count + " "), sent);
      assertEquals(sent, lines.readLine());
    } finally {
      receiver.destroyForcibly().waitFor();
    }
  }

  private static Process start(String namespace, String mode, String address, String count)
      throws Exception {
    return new ProcessBuilder(
            "ip", "netns", "exec", namespace, "python3", script.toString(), mode, address, count)
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }
}
