// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.ebpf.TwoHosts.Host;
import dev.culvert.testing.RequiresRoot;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What becomes of ECN when the outer headers come off: RFC 6040, figure 4, in the programs and, for
 * packets with an outer checksum, in the kernel's VXLAN device. ecn.py makes the packets, with
 * scapy.
 */
@RequiresRoot
@Tag("netns")
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD) // a packet may not come
class CongestionNetnsTest {
  private static final int PORT = 4789;
  private static final int NO_ECN = 0;
  private static final int LOST = -1;

  @TempDir static Path folder;

  private static TwoHosts hosts;
  private static EbpfDatapath datapath;
  private static Peer router;
  private static Peer container;
  private static int number;

  @BeforeAll
  static void build() throws Exception {
    hosts = new TwoHosts("cv-ec");
    Host host = hosts.host(1);
    Host other = hosts.host(2);
    datapath = hosts.startCulvert(host, other, PORT);
    Path script = Peer.script(folder, "ecn.py");
    container = Peer.start(host.container(), script, "listen");
    assertEquals("ready", container.read());
    router =
        Peer.start(
            hosts.router(),
            script,
            "send",
            "port1",
            mac(hosts.router(), "port1"),
            mac(host.namespace(), "under0"),
            other.mac().toString(),
            host.mac().toString());
  }

  @AfterAll
  static void tearDown() {
    for (Peer peer : new Peer[] {router, container}) {
      if (peer != null) {
        peer.close();
      }
    }
    if (datapath != null) {
      datapath.close();
    }
    if (hosts != null) {
      hosts.close();
    }
  }

  /** 0: no ECN, 1: ECT(1), 2: ECT(0), 3: CE (RFC 3168 section 5). */
  @ParameterizedTest(name = "outside {0}, inside {1}: {2}")
  @CsvSource({
    "0, 0, 0", "0, 1, 1", "0, 2, 2", "0, 3, 3",
    "1, 0, 0", "1, 1, 1", "1, 2, 1", "1, 3, 3",
    "2, 0, 0", "2, 1, 1", "2, 2, 2", "2, 3, 3",
    "3, 0, -1", "3, 1, 3", "3, 2, 3", "3, 3, 3",
  })
  void bothPathsCombineTheFields(int outer, int inner, int expected) throws Exception {
    for (boolean ipv6 : List.of(false, true)) {
      arrives(outer, inner, expected, false, ipv6);
      long slow = slow();
      arrives(outer, inner, expected, true, ipv6);
      assertTrue(slow() > slow, "the device had nothing to do with it");
    }
  }

  private static long slow() {
    return datapath.counters().get(Verdict.SLOW_PATH).packets();
  }

  /** What is lost is known by the next packet: it arrives alone. */
  private static void arrives(int outer, int inner, int expected, boolean checksum, boolean ipv6)
      throws Exception {
    String path = (checksum ? "the device" : "the program") + ", IPv6 inside: " + ipv6;
    String name = send(outer, inner, checksum, ipv6);
    String heard =
        expected == LOST ? send(NO_ECN, NO_ECN, checksum, ipv6) + " 0" : name + " " + expected;
    assertEquals(heard, container.read(), path);
  }

  private static String send(int outer, int inner, boolean checksum, boolean ipv6)
      throws Exception {
    String name = "packet" + number++;
    assertEquals(
        "sent " + name, router.ask("%s %d %d %s %s".formatted(name, outer, inner, checksum, ipv6)));
    return name;
  }

  private static String mac(String namespace, String device) {
    return Commands.in(namespace, "cat /sys/class/net/" + device + "/address").strip();
  }
}
