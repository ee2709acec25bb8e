// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.userspace.UserspaceDatapath;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.testing.RequiresRoot;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
