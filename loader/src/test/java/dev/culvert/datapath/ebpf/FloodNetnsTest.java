// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.ebpf.TwoHosts.Host;
import dev.culvert.datapath.host.ContainerInterface;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.testing.RequiresRoot;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A container floods its host with what the host keeps: fragments without their rest, connections
 * that its firewall tracks, flows that the stack carries. Each ends at the bound that
 * docs/datapath.md states, and meanwhile the overlay carries what it always does.
 */
@RequiresRoot
@Tag("netns")
class FloodNetnsTest {
  private static final int PORT = 4789;
  private static final String NEIGHBOUR = "10.244.1.3";

  /** One more queue may begin while the sum is just below the bound. */
  private static final int ONE_QUEUE_BYTES = 64 << 10;

  /** Of the map "flows" (bpf/src/maps.h). */
  private static final int MAX_FLOWS = 65536;

  private static final String RULES =
      """
      table inet services {
        chain arriving {
          type nat hook prerouting priority dstnat;
          ip daddr 10.96.0.2 dnat ip to 10.244.1.3
        }
      }
      """;

  @TempDir static Path folder;

  private static Path script;
  private static TwoHosts hosts;
  private static Host one;
  private static EbpfDatapath first;
  private static String neighbour;

  @BeforeAll
  static void build() throws Exception {
    script = Peer.script(folder, "flood.py");
    hosts = new TwoHosts("cv-fl");
    one = hosts.host(1);
    neighbour = "cv-fl-c3";
    Commands.tryRun("ip netns del " + neighbour);
    Commands.run("ip netns add " + neighbour);
    first = hosts.startCulvert(one, hosts.host(2), PORT);
    hosts.startCulvert(hosts.host(2), one, PORT).close();
    hosts.attachContainer(first, one, neighbour, NEIGHBOUR);
    one.run("nft -f " + Files.writeString(folder.resolve("rules"), RULES));
  }

  @AfterAll
  static void tearDown() {
    if (first != null) {
      first.close();
    }
    if (hosts != null) {
      hosts.close();
      Commands.tryRun("ip netns del " + neighbour);
    }
  }

  /** Where the firewall tracks connections, it is conntrack that joins IPv6 fragments. */
  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "10.244.1.2, 10.244.1.1, net.ipv4.ipfrag_high_thresh, sockstat, FRAG",
    "fd00:244:1::2, fd00:244:1::1, net.ipv6.ip6frag_high_thresh, sockstat6, FRAG6",
  })
  void fragmentsTakeNoMoreThanTheKernelsBound(
      String from, String to, String setting, String statistics, String line) throws Exception {
    long bound = number(one.run("sysctl -n " + setting));
    flood("fragments", 10_000, from, to);
    long bytes = found(line + ": inuse \\d+ memory (\\d+)", one.run("cat /proc/net/" + statistics));
    assertTrue(bytes > bound / 2, bytes + " bytes are kept: the flood did not arrive");
    assertTrue(bytes <= bound + ONE_QUEUE_BYTES, bytes + " bytes are kept");
    theOverlayCarriesFragments();
  }

  /** Fragments between containers are put together by who gets them, never by the hosts. */
  private static void theOverlayCarriesFragments() {
    Commands.in(one.container(), "ping -c 2 -i 0.2 -W 2 -s 3000 " + NEIGHBOUR);
    Commands.in(one.container(), "ping -c 2 -i 0.2 -W 2 -s 3000 10.244.2.2");
  }

  @Test
  void whatTheFastPathCarriesIsNotTracked() throws Exception {
    long before = tracked();
    flood("datagrams", 5_000, "10.244.1.2", NEIGHBOUR);
    flood("datagrams", 5_000, "10.244.1.2", "10.244.2.2");
    assertTrue(tracked() - before < 100, tracked() + " connections are tracked");
  }

  /** Each datagram to a service is a connection to conntrack, and a flow to our programs. */
  @Test
  void connectionsAndFlowsEndAtTheirBounds() throws Exception {
    long bound = number(one.run("sysctl -n net.netfilter.nf_conntrack_max"));
    flood("datagrams", bound + bound / 10 + MAX_FLOWS / 4, "10.244.1.2", "10.96.0.2");
    long tracked = tracked();
    assertTrue(tracked > bound / 4, tracked + " are tracked: the flood did not arrive");
    assertTrue(tracked <= bound, tracked + " connections are tracked");
    String map = Commands.run("bpftool map dump pinned " + one.pins().resolve("flows"));
    long flows = Pattern.compile("\"key\":").matcher(map).results().count();
    assertTrue(flows > MAX_FLOWS / 4, flows + " flows are kept: the flood did not arrive");
    assertTrue(flows <= MAX_FLOWS, flows + " flows are kept");
    Commands.in(one.container(), "ping -c 2 -i 0.2 -W 2 10.244.2.2");
    Commands.in(hosts.host(2).container(), "ping -c 2 -i 0.2 -W 2 10.244.1.2");
  }

  private static void flood(String kind, long count, String from, String to) throws Exception {
    InterfaceName end =
        ContainerInterface.hostName(TwoHosts.VNI, InetAddress.ofLiteral(one.containerAddress()));
    String mac = one.run("cat /sys/class/net/" + end + "/address").strip();
    try (Peer peer =
        Peer.start(one.container(), script, kind, String.valueOf(count), "eth0", mac, from, to)) {
      assertEquals(String.valueOf(count), peer.read());
    }
  }

  private static long tracked() {
    return number(one.run("sysctl -n net.netfilter.nf_conntrack_count"));
  }

  private static long number(String text) {
    return Long.parseLong(text.strip());
  }

  private static long found(String pattern, String text) {
    Matcher matcher = Pattern.compile(pattern).matcher(text);
    assertTrue(matcher.find(), text);
    return Long.parseLong(matcher.group(1));
  }
}
