// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Decapsulation;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.ebpf.TwoHosts.Host;
import dev.culvert.datapath.host.ContainerInterface;
import dev.culvert.testing.RequiresRoot;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Both IP families inside, over an underlay of either: four kinds of packet. */
@RequiresRoot
@Tag("netns")
class DualStackNetnsTest {
  private static final int PORT = 4789;
  private static final int BYTES = 16 << 20;

  @TempDir Path folder;

  private TwoHosts hosts;
  private Host one;
  private Host two;

  private void build(boolean underlay6) {
    hosts = new TwoHosts("cv-ds", underlay6);
    one = hosts.host(1);
    two = hosts.host(2);
  }

  @AfterEach
  void tearDown() {
    if (hosts != null) {
      hosts.close();
    }
  }

  @ParameterizedTest(name = "IPv6 underlay: {0}, decapsulation at {1}")
  @CsvSource({"false, TC", "false, XDP", "true, TC", "true, XDP"})
  void everybodyReachesEverybodyInBothFamilies(boolean underlay6, Decapsulation where)
      throws Exception {
    build(underlay6);
    try (EbpfDatapath first = hosts.startCulvert(one, two, PORT)) {
      hosts.startCulvert(two, one, PORT).close();
      try (EbpfDatapath second = hosts.takeOver(two, PORT, where)) {
        for (String address : List.of(two.containerAddress(), two.containerAddress6())) {
          ping(one.container(), address);
          ping(one.namespace(), address);
        }
        ping(two.container(), one.containerAddress6());
        ping(one.container(), two.overlay6() + "1");
        ping(one.namespace(), two.overlay6() + "1");
        ping(one.namespace(), two.overlay() + ".1");
        largest(underlay6);
        assertTrue(packets(first, Verdict.ENCAPSULATED) >= 8, first.counters().toString());
        assertTrue(packets(second, Verdict.DECAPSULATED) >= 8, second.counters().toString());
        assertEquals(0, dropped(first), first.counters().toString());
        assertEquals(0, dropped(second), second.counters().toString());
      }
    }
  }

  /** The underlay's 1500 less 50 over IPv4, 70 over IPv6; less 28 and 48 bytes of echo headers. */
  private void largest(boolean underlay6) {
    int mtu = underlay6 ? 1430 : 1450;
    String link = Commands.in(one.container(), "ip link show eth0");
    assertTrue(link.contains("mtu " + mtu + " "), link);
    Commands.in(
        one.container(),
        "ping -c 1 -W 2 -M do -s %d %s".formatted(mtu - 28, two.containerAddress()));
    Commands.in(
        one.container(),
        "ping -c 1 -W 2 -M do -s %d %s".formatted(mtu - 48, two.containerAddress6()));
    // Larger ones go in fragments, by the slow path.
    Commands.in(one.container(), "ping -c 1 -W 2 -s 8000 " + two.containerAddress6());
  }

  @ParameterizedTest(name = "IPv6 underlay: {0}, cut before the wire: {1}")
  @CsvSource({"false, false", "false, true", "true, false", "true, true"})
  void largeTcpArrivesIntactInBothFamilies(boolean underlay6, boolean wire) throws Exception {
    build(underlay6);
    hosts.startCulvert(one, two, PORT).close();
    hosts.startCulvert(two, one, PORT).close();
    hosts.offloads(!wire, true);
    TcpTransfer transfer = new TcpTransfer(folder, BYTES);
    transfer.send(one.container(), two.container(), two.containerAddress6());
    transfer.send(one.container(), two.container(), two.containerAddress());
  }

  @Test
  void aContainerThatForgotItsNeighboursFindsTheGatewayAgain() throws Exception {
    build(false);
    hosts.startCulvert(one, two, PORT).close();
    hosts.startCulvert(two, one, PORT).close();
    String gateway = one.overlay6() + "1";
    Commands.in(one.container(), "ip -6 neigh del " + gateway + " dev eth0");
    Commands.in(one.container(), "ip -6 neigh flush all dev eth0");
    ping(one.container(), two.containerAddress6());
    ping(one.container(), gateway);
    String neighbour = Commands.in(one.container(), "ip -6 neigh show " + gateway + " dev eth0");
    String mac = Commands.in(one.namespace(), "cat /sys/class/net/" + hostEnd() + "/address");
    assertTrue(neighbour.contains(mac.strip()), neighbour + " is not " + mac);
  }

  private String hostEnd() {
    return ContainerInterface.hostName(TwoHosts.VNI, IpPrefix.parseAddress(one.containerAddress()))
        .text();
  }

  /** Container runtimes switch IPv6 off where they do not use it, and some hosts have it off. */
  @Test
  void namespacesWithIpv6OffGetIt() throws Exception {
    build(false);
    for (String namespace : List.of(one.namespace(), one.container())) {
      Commands.in(
          namespace,
          "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1");
    }
    hosts.startCulvert(one, two, PORT).close();
    hosts.startCulvert(two, one, PORT).close();
    ping(one.container(), two.containerAddress6());
    ping(one.container(), one.overlay6() + "1");
  }

  @Test
  void detachingByOneAddressTakesBoth() throws Exception {
    build(false);
    String before = Commands.in(one.namespace(), "ip -6 route");
    try (EbpfDatapath datapath = hosts.startCulvert(one, two, PORT)) {
      assertEquals(1, datapath.read().endpoints().size());
      datapath.detach(TwoHosts.VNI, IpPrefix.parseAddress(one.containerAddress6()));
      assertEquals(List.of(), datapath.read().endpoints());
      assertEquals("", Commands.in(one.container(), "ip -br link show type veth"));
      datapath.remove();
    }
    assertEquals(before, Commands.in(one.namespace(), "ip -6 route"));
  }

  /** RFC 6935 section 5: none is fine by agreement; RFC 8200 section 8.1: a wrong one never is. */
  @ParameterizedTest
  @ValueSource(strings = {"TC", "XDP"})
  void outerChecksumsOverIpv6AreVerifiedWhereThereAreAny(Decapsulation where) throws Exception {
    build(true);
    hosts.startCulvert(one, two, PORT).close();
    hosts.takeOver(one, PORT, where).close();
    String script = resource("vxlan6.py");
    for (String checksum : List.of("right", "zero")) {
      assertEquals("answered", probe(script, checksum), checksum);
    }
    assertEquals("silent", probe(script, "wrong"));
    String errors = Commands.in(one.namespace(), "nstat -asz Udp6InCsumErrors");
    assertTrue(errors.matches("(?s).*Udp6InCsumErrors +[1-9].*"), errors);
  }

  /** Host 2 is a script: it sends one echo request in VXLAN, and looks for the answer. */
  private String probe(String script, String checksum) {
    return Commands.in(
            two.namespace(),
            "python3 %s %s %s %s %s %s"
                .formatted(
                    script,
                    checksum,
                    two.underlay(),
                    one.underlay(),
                    two.containerAddress6(),
                    one.containerAddress6()))
        .strip();
  }

  @Test
  void checksumsAreComputedOnRequest() throws Exception {
    build(true);
    try (EbpfDatapath first = hosts.startWithChecksums(one, two, PORT)) {
      hosts.startCulvert(two, one, PORT).close();
      ping(one.container(), two.containerAddress6());
      ping(one.container(), two.containerAddress());
      assertEquals(0, packets(first, Verdict.ENCAPSULATED), first.counters().toString());
      assertNotEquals(0, packets(first, Verdict.SLOW_PATH), first.counters().toString());
      new TcpTransfer(folder, BYTES)
          .send(one.container(), two.container(), two.containerAddress6());
    }
  }

  private String resource(String name) throws Exception {
    Path script = folder.resolve(name);
    try (InputStream in = DualStackNetnsTest.class.getResourceAsStream(name)) {
      Files.copy(in, script);
    }
    return script.toString();
  }

  private static long packets(EbpfDatapath datapath, Verdict verdict) {
    return datapath.counters().get(verdict).packets();
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
