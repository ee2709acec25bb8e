// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.ebpf.TwoHosts.Host;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Host 1 translates addresses, as kube-proxy, Docker's published ports or a firewall do: service
 * addresses, published ports, masquerade; for backends here, on the other host, and for the one who
 * asks. Its firewall drops what conntrack finds invalid, so conntrack must see both directions.
 * TCP, UDP in fragments, echo and errors all come back.
 *
 * <pre>
 *   10.96.0.1, fd00:96::1   a service of the other host's container 10.244.2.2, fd00:244:2::2
 *   10.96.0.2, fd00:96::2   a service of the neighbour 10.244.1.3, fd00:244:1::3
 *   10.96.0.3, fd00:96::3   a service of the container itself
 *   172.17.0.2, fd00:ff::2  a container on host 1 that is not ours
 * </pre>
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class TranslationTests {
  static final int PORT = 4789;
  private static final String RULES =
      """
      table inet services {
        chain translate {
          ip daddr 10.96.0.1 meta l4proto { tcp, udp } th dport 80 dnat ip to 10.244.2.2:8080
          ip daddr 10.96.0.2 meta l4proto { tcp, udp } th dport 80 dnat ip to 10.244.1.3:8080
          ip daddr 10.96.0.3 meta l4proto { tcp, udp } th dport 80 dnat ip to 10.244.1.2:8080
          ip daddr 10.96.0.0/24 dnat ip to ip daddr map { 10.96.0.1 : 10.244.2.2, 10.96.0.2 : 10.244.1.3 }
          ip6 daddr fd00:96::1 meta l4proto { tcp, udp } th dport 80 dnat ip6 to [fd00:244:2::2]:8080
          ip6 daddr fd00:96::2 meta l4proto { tcp, udp } th dport 80 dnat ip6 to [fd00:244:1::3]:8080
          ip6 daddr fd00:96::3 meta l4proto { tcp, udp } th dport 80 dnat ip6 to [fd00:244:1::2]:8080
          ip6 daddr fd00:96::/64 dnat ip6 to ip6 daddr map { fd00:96::1 : fd00:244:2::2, fd00:96::2 : fd00:244:1::3 }
          fib daddr type local meta nfproto ipv4 meta l4proto { tcp, udp } th dport 3080 dnat ip to 10.244.1.3:8080
          fib daddr type local meta nfproto ipv4 meta l4proto { tcp, udp } th dport 3081 dnat ip to 10.244.2.2:8080
          fib daddr type local meta nfproto ipv6 meta l4proto { tcp, udp } th dport 3080 dnat ip6 to [fd00:244:1::3]:8080
          fib daddr type local meta nfproto ipv6 meta l4proto { tcp, udp } th dport 3081 dnat ip6 to [fd00:244:2::2]:8080
        }
        chain arriving {
          type nat hook prerouting priority dstnat;
          jump translate
        }
        chain own {
          type nat hook output priority -100;
          jump translate
        }
        chain leaving {
          type nat hook postrouting priority srcnat;
          ip saddr 10.244.0.0/16 ip daddr != 10.244.0.0/16 masquerade
          ip6 saddr fd00:244::/32 ip6 daddr != fd00:244::/32 masquerade
          oifname "culvert0" ip saddr != 10.244.0.0/16 masquerade
          oifname "culvert0" ip6 saddr != fd00:244::/32 masquerade
          ip saddr 10.244.1.2 ip daddr 10.244.1.2 masquerade
          ip6 saddr fd00:244:1::2 ip6 daddr fd00:244:1::2 masquerade
        }
      }
      table inet guard {
        chain forward {
          type filter hook forward priority filter;
          ct state invalid counter drop
        }
        chain input {
          type filter hook input priority filter;
          iifname != "lo" ct state invalid counter drop
        }
      }
      """;

  @TempDir static Path folder;

  private SourceServers servers;
  TwoHosts hosts;
  Host one;
  private Host two;
  private String neighbour;
  String foreign;
  Peer remoteServer;
  private final List<AutoCloseable> open = new ArrayList<>();

  /** Of the namespaces' names, the test's own. */
  abstract String prefix();

  abstract Datapath start(Host own, Host other) throws Exception;

  @BeforeAll
  void build() throws Exception {
    servers = new SourceServers(folder);
    hosts = new TwoHosts(prefix());
    one = hosts.host(1);
    two = hosts.host(2);
    neighbour = prefix() + "-c3";
    foreign = prefix() + "-f";
    for (String more : List.of(neighbour, foreign)) {
      Commands.tryRun("ip netns del " + more);
      Commands.run("ip netns add " + more);
    }
    Datapath first = start(one, two);
    open.add(first);
    open.add(start(two, one));
    hosts.attachContainer(first, one, neighbour, "10.244.1.3", "fd00:244:1::3");
    linkForeign();
    Path rules = Files.writeString(folder.resolve("rules"), RULES);
    one.run("nft -f " + rules);
    var _ = servers.serve(one.container());
    var _ = servers.serve(neighbour);
    remoteServer = servers.serve(two.container());
  }

  private void linkForeign() {
    one.run("ip link add foreign0 type veth peer name eth0 netns " + foreign);
    one.run("ip addr add 172.17.0.1/24 dev foreign0");
    one.run("ip addr add fd00:ff::1/64 dev foreign0 nodad");
    one.run("ip link set foreign0 up");
    one.run("ip route add fd00:96::/64 dev foreign0"); // some way that the host sends before it
    // translates
    Commands.in(foreign, "ip addr add 172.17.0.2/24 dev eth0");
    Commands.in(foreign, "ip addr add fd00:ff::2/64 dev eth0 nodad");
    Commands.in(foreign, "ip link set eth0 up");
    Commands.in(foreign, "ip route add default via 172.17.0.1");
    Commands.in(foreign, "ip route add default via fd00:ff::1");
  }

  @AfterAll
  void tearDown() throws Exception {
    if (servers != null) {
      servers.close();
    }
    for (AutoCloseable each : open.reversed()) {
      each.close();
    }
    if (hosts != null) {
      hosts.close();
      Commands.tryRun("ip netns del " + neighbour);
      Commands.tryRun("ip netns del " + foreign);
    }
  }

  @AfterEach
  void conntrackHasSeenAll() {
    String guard = one.run("nft list table inet guard");
    assertEquals(2, guard.split("counter packets 0 bytes 0", -1).length - 1, guard);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "the other host's container, container, 10.96.0.1, fd00:96::1, 10.244.1.2, fd00:244:1::2",
    "the neighbour, container, 10.96.0.2, fd00:96::2, 10.244.1.2, fd00:244:1::2",
    "the host to the other host's, host, 10.96.0.1, fd00:96::1, 10.244.1.1, fd00:244:1::1",
    "one that is not ours, foreign, 10.96.0.1, fd00:96::1, 10.244.1.1, fd00:244:1::1",
    "one that is not ours to a local one, foreign, 10.96.0.2, fd00:96::2, 172.17.0.2, fd00:ff::2",
  })
  void aServiceAnswers(
      String what, String from, String ipv4, String ipv6, String seen4, String seen6)
      throws Exception {
    assertEquals(seen4 + " " + seen4, ask(namespace(from), ipv4, 80));
    assertEquals(seen6 + " " + seen6, ask(namespace(from), ipv6, 80));
    Commands.in(namespace(from), "ping -c 2 -i 0.2 -W 2 -s 3000 " + ipv4);
    Commands.in(namespace(from), "ping -c 2 -i 0.2 -W 2 -s 3000 " + ipv6);
  }

  /**
   * The container is its own service's backend: masqueraded, as everywhere, or it answered itself.
   */
  @Test
  void aServiceMayBeOnesOwn() throws Exception {
    assertEquals(2, ask(one.container(), "10.96.0.3", 80).split(" ", -1).length);
    assertEquals("fd00:244:1::1 fd00:244:1::1", ask(one.container(), "fd00:96::3", 80));
  }

  @ParameterizedTest(name = "{0} at {2}")
  @CsvSource({
    "container, 10.17.2.2, 3080, 10.244.1.2",
    "container, 10.244.1.1, 3080, 10.244.1.2",
    "container, 10.244.1.1, 3081, 10.244.1.2",
    "container, fd00:244:1::1, 3080, fd00:244:1::2",
    "container, fd00:244:1::1, 3081, fd00:244:1::2",
    "router, 10.17.2.2, 3080, 10.17.2.1",
    "router, 10.17.2.2, 3081, 10.244.1.1",
    "remote, 10.244.1.1, 3080, 10.244.2.2",
    "remote, fd00:244:1::1, 3080, fd00:244:2::2",
    "foreign, 172.17.0.1, 3080, 172.17.0.2",
    "foreign, 172.17.0.1, 3081, 10.244.1.1",
    "foreign, fd00:ff::1, 3080, fd00:ff::2",
    "foreign, fd00:ff::1, 3081, fd00:244:1::1",
  })
  void aPublishedPortAnswers(String from, String address, int port, String seen) throws Exception {
    assertEquals(seen + " " + seen, ask(namespace(from), address, port));
  }

  @ParameterizedTest
  @CsvSource({"container, 10.244.2.2", "container, fd00:244:2::2", "foreign, 10.244.2.2"})
  void whatIsNotTranslatedStillFlows(String from, String address) throws Exception {
    assertEquals(2, ask(namespace(from), address, 8080).split(" ", -1).length);
  }

  /** An ICMP error comes from the service, too, or the sender would not know what it is about. */
  @ParameterizedTest
  @CsvSource({
    "10.96.0.1",
    "10.96.0.2",
    "fd00:96::1",
    "fd00:96::2",
  })
  void anErrorIsTranslatedBack(String service) throws Exception {
    assertEquals("refused", say(one.container(), "refused", service, "9"));
  }

  private String namespace(String who) {
    return switch (who) {
      case "container" -> one.container();
      case "remote" -> two.container();
      case "router" -> hosts.router();
      case "foreign" -> foreign;
      default -> one.namespace();
    };
  }

  String ask(String namespace, String address, int port) throws Exception {
    return say(namespace, "ask", address, String.valueOf(port));
  }

  String say(String namespace, String... words) throws Exception {
    return servers.say(namespace, words);
  }
}
