// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Counter;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.userspace.UserspaceDatapath;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.testing.RequiresRoot;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Both hosts' firewalls forward nothing but answers, as Docker sets them up (policy drop). What the
 * programs leave to the kernel's device they hand straight to it, past that; and without eBPF rules
 * of our own at the devices' ingress send packets past it.
 */
@RequiresRoot
@Tag("netns")
class ForwardDropNetnsTest {
  private static final String RULES =
      """
      table inet docker {
        chain forward {
          type filter hook forward priority filter; policy drop;
          ct state established,related accept
        }
      }
      """;

  private static final int STREAM_BYTES = 8 << 20;

  @TempDir Path folder;

  @Test
  void whatIsCutOutsideArrivesAllTheSame() throws Exception {
    try (NarrowWay way = new NarrowWay("cv-fw", false, false)) {
      way.start(EbpfConfig.PATH_MTU_LIFETIME);
      way.middleTakes(1400);
      dropForwarded(way.host(1));
      dropForwarded(way.host(2));
      String ping = "ping -c 2 -i 0.3 -W 2 -M dont -s %d " + way.address(2);
      // The first is too large for the way, which the host learns by it; the container forgets.
      Commands.tryRun(
          "ip netns exec " + way.container(1) + " " + ping.formatted(1410).replace("dont", "do"));
      way.forgetRoutes();
      Commands.in(way.container(1), ping.formatted(1380));
      Commands.in(way.container(1), ping.formatted(4000));
      assertTrue(way.count(1, Verdict.SLOW_PATH) >= 4, "the requests went another way");
    }
  }

  /**
   * Containers have larger interfaces than the way takes, as behind Docker's bridge, and outer IPv6
   * is never cut: what may be cut inside only the stack could cut. Its sender is asked for less
   * meanwhile, and no more than the packet that taught it is lost.
   */
  @ParameterizedTest(name = "behind a bridge: {0}, the firewall drops: {1}")
  @CsvSource({"false, true", "false, false", "true, true", "true, false"})
  void whatMayBeCutComesInSmallerPieces(boolean behindBridge, boolean drop) throws Exception {
    String behind = "cv-fl-b";
    Commands.tryRun("ip netns del " + behind);
    Commands.run("ip netns add " + behind);
    try (TwoHosts hosts = new TwoHosts("cv-fl", true);
        EbpfDatapath one = hosts.startCulvert(hosts.host(1), hosts.host(2), 4789);
        EbpfDatapath _ = hosts.startCulvert(hosts.host(2), hosts.host(1), 4789)) {
      String from = hosts.host(1).container();
      if (behindBridge) {
        makeBridge(hosts.host(1), behind);
        letBridgeIn(one, hosts.host(1));
        from = behind;
      }
      for (TwoHosts.Host host : List.of(hosts.host(1), hosts.host(2))) {
        takeMore(host.namespace());
        Commands.in(host.container(), "ip link set eth0 mtu 1500");
        // Else conntrack puts a bridge's fragments together again before anybody sees them.
        Commands.tryRun(
            "ip netns exec "
                + host.namespace()
                + " sysctl -qw net.bridge.bridge-nf-call-iptables=0");
        if (drop) {
          dropForwarded(host.namespace());
        }
      }
      Commands.in(from, "ip link set eth0 mtu 1500");
      check(from, hosts.host(2), drop);
      assertTrue(one.counters().get(Verdict.SLOW_PATH).packets() > 0, "nothing had to be cut");
    } finally {
      Commands.tryRun("ip netns del " + behind);
    }
  }

  private void check(String from, TwoHosts.Host to, boolean drop) throws Exception {
    String there = to.containerAddress();
    Commands.in(from, "ping -c 5 -i 0.2 -w 10 " + there); // the way is open in both directions
    Path script = Peer.script(folder, "narrow.py");
    try (Peer peer = Peer.start(to.container(), script, "serve", there)) {
      assertEquals("ready", peer.read());
      String echo = Commands.in(from, "ping -c 6 -i 0.2 -W 1 -M dont -s 1472 " + there);
      assertTrue(echo.contains("From 10.244.1.1 icmp_seq=1 Frag needed"), echo);
      // Of two that are lost one has taught the caller, the other who answers.
      assertTrue(lost(echo) <= (drop ? 2 : 0), echo);
      for (String run : List.of("cut %s 1500", "cuttcp %s " + STREAM_BYTES)) {
        Commands.in(from, "ip route flush cache");
        String said = Commands.in(from, "python3 " + script + " " + run.formatted(there)).strip();
        assertEquals(run.startsWith("cuttcp") ? "sent" : "1500", said);
      }
    }
  }

  private static int lost(String echo) {
    Matcher matcher = Pattern.compile("(\\d+) packets transmitted, (\\d+) received").matcher(echo);
    assertTrue(matcher.find(), echo);
    return Integer.parseInt(matcher.group(1)) - Integer.parseInt(matcher.group(2));
  }

  /** Within a host and between hosts, in both families: the rules are a firewall's, not ours. */
  @Test
  void withoutEbpfTheOverlayPassesNoFirewallEither() throws Exception {
    String neighbour = "cv-fu-c3";
    Commands.tryRun("ip netns del " + neighbour);
    Commands.run("ip netns add " + neighbour);
    try (TwoHosts hosts = new TwoHosts("cv-fu");
        UserspaceDatapath one = hosts.startUserspace(hosts.host(1), hosts.host(2), 4789);
        UserspaceDatapath _ = hosts.startUserspace(hosts.host(2), hosts.host(1), 4789)) {
      hosts.attachContainer(one, hosts.host(1), neighbour, "10.244.1.3", "fd00:244:1::3");
      dropForwarded(hosts.host(1).namespace());
      dropForwarded(hosts.host(2).namespace());
      allReached(hosts);
      new TcpTransfer(folder, 32 << 20)
          .send(
              hosts.host(1).container(),
              hosts.host(2).container(),
              hosts.host(2).containerAddress());

      // As a restart of the service nftables does; ours are back with the next look.
      hosts.host(1).run("nft flush ruleset");
      dropForwarded(hosts.host(1).namespace());
      one.refresh();
      allReached(hosts);

      one.remove();
      assertEquals("", hosts.host(1).run("nft list tables netdev"));
    } finally {
      Commands.tryRun("ip netns del " + neighbour);
    }
  }

  /** What hosts route directly the kernel would forward, by the underlay's interface. */
  @Test
  void withoutEbpfDirectRoutesPassNoFirewallEither() throws Exception {
    try (TwoHosts hosts = new TwoHosts("cv-fu");
        UserspaceDatapath one = hosts.startUserspace(hosts.host(1), hosts.host(2), 4789);
        UserspaceDatapath two = hosts.startUserspace(hosts.host(2), hosts.host(1), 4789)) {
      hosts.routeDirectly(one, hosts.host(1), hosts.host(2));
      hosts.routeDirectly(two, hosts.host(2), hosts.host(1));
      dropForwarded(hosts.host(1).namespace());
      dropForwarded(hosts.host(2).namespace());
      for (TwoHosts.Host from : List.of(hosts.host(1), hosts.host(2))) {
        TwoHosts.Host to = from.number() == 1 ? hosts.host(2) : hosts.host(1);
        for (String namespace : List.of(from.container(), from.namespace())) {
          for (String bytes : List.of("56", "8000")) {
            String ping = "ping -c 2 -i 0.1 -W 2 -s " + bytes + " ";
            Commands.in(namespace, ping + to.containerAddress());
            Commands.in(namespace, ping + to.gateway().getHostAddress());
          }
        }
      }
      new TcpTransfer(folder, 32 << 20)
          .send(
              hosts.host(1).container(),
              hosts.host(2).container(),
              hosts.host(2).containerAddress());
      assertTrue(
          one.counters().getOrDefault(Verdict.ENCAPSULATED, new Counter(0, 0)).packets() == 0,
          "it was not direct");

      // What the host translates still needs it.
      hosts.host(1).run("sysctl -qw net.ipv4.ip_forward=0");
      one.refresh();
      String forwards = hosts.host(1).run("sysctl -n net.ipv4.conf.under0.forwarding");
      assertEquals("1", forwards.strip());
    }
  }

  /** A bridge that somebody else made is let in: its containers reach the others, and it itself. */
  @Test
  void withoutEbpfABridgesContainersPassNoFirewallEither() throws Exception {
    String behind = "cv-fu-b";
    Commands.tryRun("ip netns del " + behind);
    Commands.run("ip netns add " + behind);
    try (TwoHosts hosts = new TwoHosts("cv-fu");
        UserspaceDatapath one = hosts.startUserspace(hosts.host(1), hosts.host(2), 4789);
        UserspaceDatapath _ = hosts.startUserspace(hosts.host(2), hosts.host(1), 4789)) {
      TwoHosts.Host host = hosts.host(1);
      makeBridge(host, behind);
      one.attachBridge(new InterfaceName("br0"), List.of(host.subnet()));
      dropForwarded(host.namespace());
      dropForwarded(hosts.host(2).namespace());
      for (String to : List.of("10.244.1.2", "10.244.2.2", "10.244.1.129", "10.244.1.1")) {
        Commands.in(behind, "ping -c 2 -i 0.1 -W 2 " + to);
      }
      for (String from : List.of(host.container(), hosts.host(2).container())) {
        Commands.in(from, "ping -c 2 -i 0.1 -W 2 10.244.1.130");
        Commands.in(from, "ping -c 2 -i 0.1 -W 2 10.244.1.129");
      }
    } finally {
      Commands.tryRun("ip netns del " + behind);
    }
  }

  private static void makeBridge(TwoHosts.Host host, String behind) {
    for (String command :
        List.of(
            "ip link add br0 type bridge",
            "ip addr add 10.244.1.129/25 dev br0",
            "ip link set br0 up",
            "ip link add port0 type veth peer name eth0 netns " + behind,
            "ip link set port0 master br0 up")) {
      host.run(command);
    }
    Commands.in(behind, "ip addr add 10.244.1.130/25 dev eth0");
    Commands.in(behind, "ip link set eth0 mtu 1430 up");
    Commands.in(behind, "ip route add default via 10.244.1.129");
  }

  private static void letBridgeIn(EbpfDatapath datapath, TwoHosts.Host host) throws Exception {
    try (NetNamespace namespace = NetNamespace.named(Libc.system(), host.namespace())) {
      namespace.run(() -> {
        datapath.attachBridge(new InterfaceName("br0"), List.of(host.subnet()));
        return null;
      });
    }
  }

  private static void takeMore(String namespace) {
    Commands.run("ip -n " + namespace + " -o link show type veth")
        .lines()
        .map(line -> line.split("[ :@]+", 3)[1])
        .forEach(name -> Commands.run("ip -n " + namespace + " link set " + name + " mtu 1500"));
  }

  private static void allReached(TwoHosts hosts) {
    for (String to : List.of("10.244.1.3", "fd00:244:1::3", "10.244.2.2", "fd00:244:2::2")) {
      for (String bytes : List.of("56", "8000")) {
        Commands.in(hosts.host(1).container(), "ping -c 2 -i 0.1 -W 2 -s " + bytes + " " + to);
      }
    }
  }

  private void dropForwarded(String namespace) throws Exception {
    Path rules = folder.resolve("rules");
    Files.writeString(rules, RULES);
    Commands.in(namespace, "nft -f " + rules);
  }
}
