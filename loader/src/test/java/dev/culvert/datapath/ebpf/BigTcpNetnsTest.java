// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Counter;
import dev.culvert.datapath.Verdict;
import dev.culvert.testing.RequiresRoot;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * TCP superpackets of more than 64 KB, which a container may allow itself: their length has no room
 * in the outer headers, so the kernel's device cuts them, and nothing is lost.
 */
@RequiresRoot
@Tag("netns")
class BigTcpNetnsTest {
  private static final int PORT = 4789;
  private static final int MEGABYTE = 1 << 20;
  private static final int TRIES = 5;

  /** One lost superpacket is some sixty segments of 36,000 at once. */
  private static final double SENT_AGAIN = 0.01;

  @TempDir static Path folder;

  private static TwoHosts hosts;
  private static EbpfDatapath first;

  @BeforeAll
  static void build() throws Exception {
    Path script = Peer.script(folder, "gso_max.py");
    hosts = new TwoHosts("cv-bt");
    first = hosts.startCulvert(hosts.host(1), hosts.host(2), PORT);
    hosts.startCulvert(hosts.host(2), hosts.host(1), PORT).close();
    Commands.in(hosts.host(1).container(), "/usr/bin/python3 " + script + " eth0 131072");
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

  @ParameterizedTest
  @ValueSource(strings = {"10.244.2.2", "fd00:244:2::2"})
  void tcpIsCutAndNothingIsLost(String destination) throws Exception {
    Map<Verdict, Counter> before = first.counters();

    // The queue of a veth holds 256 of the pieces, and overflows where its reader waits for a
    // processor. What is lost for its length is lost at each try.
    double lost = 1;
    for (int i = 0; i < TRIES && lost >= SENT_AGAIN; i++) {
      lost = Math.min(lost, sentAgain(destination));
    }

    assertTrue(lost < SENT_AGAIN, lost + " of the segments were sent again");
    assertTrue(
        packets(first.counters(), Verdict.SLOW_PATH) > packets(before, Verdict.SLOW_PATH),
        "no packet was larger than 64 KB");
    for (Verdict verdict : Verdict.values()) {
      if (verdict.isDrop()) {
        assertEquals(packets(before, verdict), packets(first.counters(), verdict), verdict::name);
      }
    }
  }

  /** The share of the segments of one transfer that were sent again. */
  private static double sentAgain(String destination) throws Exception {
    String sender = hosts.host(1).container();
    long all = tcp(sender, "OutSegs");
    long again = tcp(sender, "RetransSegs");
    new TcpTransfer(folder, 48 * MEGABYTE).send(sender, hosts.host(2).container(), destination);
    return (tcp(sender, "RetransSegs") - again) / (double) (tcp(sender, "OutSegs") - all);
  }

  private static long packets(Map<Verdict, Counter> counters, Verdict verdict) {
    return counters.get(verdict).packets();
  }

  /** A counter of RFC 4022 in a namespace. */
  private static long tcp(String namespace, String name) {
    List<String[]> lines =
        Commands.in(namespace, "cat /proc/net/snmp")
            .lines()
            .filter(line -> line.startsWith("Tcp:"))
            .map(line -> line.split(" ", -1))
            .toList();
    int column = List.of(lines.getFirst()).indexOf(name);
    return Long.parseLong(lines.getLast()[column]);
  }
}
