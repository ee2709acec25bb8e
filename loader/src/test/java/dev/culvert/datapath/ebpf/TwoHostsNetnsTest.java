// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Change;
import dev.culvert.datapath.Decapsulation;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.ebpf.TwoHosts.Host;
import dev.culvert.testing.RequiresRoot;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The whole datapath, without a control plane: two hosts, and a router that knows nothing. */
@RequiresRoot
@Tag("netns")
class TwoHostsNetnsTest {
  private static final int PORT = 4789;

  private TwoHosts hosts;
  private Host one;
  private Host two;

  @BeforeEach
  void build() {
    hosts = new TwoHosts("cv-dp2");
    one = hosts.host(1);
    two = hosts.host(2);
  }

  @AfterEach
  void tearDown() {
    hosts.close();
  }

  @Test
  void everybodyReachesEverybody() throws Exception {
    try (EbpfDatapath first = hosts.startCulvert(one, two, PORT);
        EbpfDatapath second = hosts.startCulvert(two, one, PORT)) {
      ping(one.container(), "10.244.2.2");
      ping(two.container(), "10.244.1.2");
      long encapsulated = first.counters().get(Verdict.ENCAPSULATED).packets();
      assertTrue(encapsulated >= 2, first.counters().toString());
      assertTrue(
          second.counters().get(Verdict.DECAPSULATED).packets() >= 2, second.counters().toString());

      // The host's own packets, both ways and to the other host's overlay address.
      ping(one.namespace(), "10.244.2.2");
      ping(one.container(), "10.244.2.1");
      ping(one.namespace(), "10.244.2.1");
      // The largest inner packet, unfragmented: 1450 less 28 bytes of headers.
      Commands.in(one.container(), "ping -c 1 -W 2 -M do -s 1422 10.244.2.2");
      assertEquals(0, dropped(first), first.counters().toString());
      assertEquals(0, dropped(second), second.counters().toString());

      first.apply(List.of(new Change.RemoveSubnet(two.subnet())));
      assertEquals(
          1,
          Commands.tryRun("ip netns exec " + one.container() + " ping -c 1 -W 1 10.244.2.2")
              .exit());
    }
  }

  @Test
  void decapsulationMovesBetweenTcAndXdpUnderTrafficWithoutLoss() throws Exception {
    try (EbpfDatapath other = hosts.startCulvert(one, two, PORT)) {
      hosts.startCulvert(two, one, PORT).close();
      ping(one.container(), two.containerAddress());
      String command =
          "ip netns exec %s ping -q -c 300 -i 0.01 -W 2 %s"
              .formatted(one.container(), two.containerAddress());
      Process pings = new ProcessBuilder(command.split(" ", -1)).redirectErrorStream(true).start();
      for (Decapsulation where :
          List.of(Decapsulation.XDP, Decapsulation.TC, Decapsulation.XDP, Decapsulation.AUTO)) {
        hosts.takeOver(two, PORT, where).close();
        String link = Commands.run("ip -n " + two.namespace() + " link show under0");
        assertEquals(where == Decapsulation.XDP, link.contains("xdp"), link);
      }
      String said = new String(pings.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertTrue(said.contains("300 received, 0% packet loss"), said);
      assertEquals(0, dropped(other), other.counters().toString());
    }
  }

  /** Each host on the way spends one hop of a container's packet, and none of its own. */
  @Test
  void everyHopCountsOnce() throws Exception {
    try (EbpfDatapath first = hosts.startCulvert(one, two, PORT);
        EbpfDatapath second = hosts.startCulvert(two, one, PORT)) {
      ping(one.container(), two.containerAddress());
      assertEquals("From 10.244.1.1", reached(one.container(), 1, two));
      assertEquals("From 10.244.2.1", reached(one.container(), 2, two));
      assertEquals("64 bytes from 10.244.2.2", reached(one.container(), 3, two));
      assertEquals("From 10.244.2.1", reached(one.namespace(), 1, two));
      assertEquals("64 bytes from 10.244.2.2", reached(one.namespace(), 2, two));
      assertEquals(0, dropped(first), first.counters().toString());
      assertEquals(0, dropped(second), second.counters().toString());
    }
  }

  /** Who answers a ping with so many hops. */
  private static String reached(String from, int hops, Host to) {
    String said =
        Commands.tryRun(
                "ip netns exec %s ping -n -c 1 -W 2 -t %d %s"
                    .formatted(from, hops, to.containerAddress()))
            .output();
    return said.lines()
        .filter(line -> line.contains("rom "))
        .map(line -> line.replaceAll("[: ]+icmp_seq.*", ""))
        .findFirst()
        .orElse(said);
  }

  private static long dropped(EbpfDatapath datapath) {
    return datapath.counters().entrySet().stream()
        .filter(entry -> entry.getKey().isDrop())
        .mapToLong(entry -> entry.getValue().packets())
        .sum();
  }

  private static void ping(String namespace, String address) {
    Commands.in(namespace, "ping -c 2 -i 0.1 -W 2 " + address);
  }
}
