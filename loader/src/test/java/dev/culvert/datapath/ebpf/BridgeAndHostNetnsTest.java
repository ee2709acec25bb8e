// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.ebpf.TwoHosts.Host;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.testing.RequiresRoot;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Somebody else's bridge is let in, with an address of its own: the host keeps its overlay address,
 * and is reached by the bridge's as well.
 */
@RequiresRoot
@Tag("netns")
class BridgeAndHostNetnsTest {
  private static final int PORT = 4789;
  private static final String BEHIND = "cv-bh-d";

  /** The host's gateway addresses and those of the bridge; then a container behind that. */
  private static final List<String> HOST =
      List.of("10.244.1.1", "fd00:244:1::1", "10.244.1.129", "fd00:244:1::8:1");

  private static final List<String> CONTAINER = List.of("10.244.1.130", "fd00:244:1::8:2");

  @ParameterizedTest(name = "underlay of IPv6: {0}")
  @ValueSource(booleans = {false, true})
  void theHostIsReachedAndReaches(boolean underlay6) throws Exception {
    Commands.tryRun("ip netns del " + BEHIND);
    try (TwoHosts hosts = new TwoHosts("cv-bh", underlay6);
        EbpfDatapath first = hosts.startCulvert(hosts.host(1), hosts.host(2), PORT);
        EbpfDatapath _ = hosts.startCulvert(hosts.host(2), hosts.host(1), PORT)) {
      letBridgeIn(first, hosts.host(1));
      Host two = hosts.host(2);
      for (String from : List.of(two.container(), two.namespace())) {
        HOST.forEach(address -> ping(from, address, ""));
        CONTAINER.forEach(address -> ping(from, address, ""));
        HOST.forEach(address -> ping(from, address, " -s 4000")); // in fragments: the slow path
      }
      for (String address : List.of(two.containerAddress(), two.containerAddress6())) {
        ping(hosts.host(1).namespace(), address, "");
        String own = address.contains(":") ? "fd00:244:1::8:1" : "10.244.1.129"; // the bridge's
        ping(hosts.host(1).namespace(), address, " -I " + own);
        ping(BEHIND, address, "");
      }
      long decapsulated = first.counters().get(Verdict.DECAPSULATED).packets();
      assertTrue(decapsulated >= 4, "the container behind the bridge left the fast path");
    } finally {
      Commands.tryRun("ip netns del " + BEHIND);
    }
  }

  /** Docker restarts, or an operator deletes the bridge and makes it again: another index. */
  @Test
  void aBridgeThatIsMadeAnewIsLetInAgain() throws Exception {
    Commands.tryRun("ip netns del " + BEHIND);
    try (TwoHosts hosts = new TwoHosts("cv-bh");
        EbpfDatapath first = hosts.startCulvert(hosts.host(1), hosts.host(2), PORT);
        EbpfDatapath _ = hosts.startCulvert(hosts.host(2), hosts.host(1), PORT)) {
      Host one = hosts.host(1);
      letBridgeIn(first, one);
      ping(hosts.host(2).container(), CONTAINER.getFirst(), "");
      int before = bridgeIndex(first);

      one.run("ip link del br0");
      Commands.run("ip netns del " + BEHIND);
      look(first, one);
      assertTrue(first.problems().toString().contains("The bridge br0 is gone"), "not told");
      assertEquals(0, bridgeIndex(first));
      ping(hosts.host(2).container(), one.containerAddress(), ""); // its neighbours do not suffer

      makeBridge(one);
      look(first, one);
      assertEquals(List.of(), first.problems());
      int after = bridgeIndex(first);
      assertTrue(after != 0 && after != before, before + " became " + after);
      for (String address : CONTAINER) {
        ping(hosts.host(2).container(), address, "");
      }
      ping(BEHIND, hosts.host(2).containerAddress(), "");
      assertTrue(
          first.counters().get(Verdict.DECAPSULATED).packets() > 0, "it is not the programs' yet");
    } finally {
      Commands.tryRun("ip netns del " + BEHIND);
    }
  }

  /** As the control plane does at each change, and now and then. */
  private static void look(EbpfDatapath datapath, Host host) throws Exception {
    try (NetNamespace namespace = NetNamespace.named(Libc.system(), host.namespace())) {
      boolean _ = namespace.call(datapath::refresh);
    }
  }

  private static int bridgeIndex(EbpfDatapath datapath) {
    return datapath.read().locals().stream().mapToInt(LocalSubnet::bridgeIndex).max().orElseThrow();
  }

  private static void letBridgeIn(EbpfDatapath datapath, Host host) throws Exception {
    makeBridge(host);
    try (NetNamespace namespace = NetNamespace.named(Libc.system(), host.namespace())) {
      namespace.run(() -> {
        datapath.attachBridge(new InterfaceName("br0"), List.of(host.subnet(), host.subnet6()));
        return null;
      });
    }
  }

  private static void makeBridge(Host host) {
    host.run("ip link add br0 type bridge");
    host.run("ip addr add 10.244.1.129/25 dev br0");
    host.run("ip addr add fd00:244:1::8:1/112 dev br0 nodad");
    host.run("ip link set br0 up");
    Commands.run("ip netns add " + BEHIND);
    host.run("ip link add port0 type veth peer name eth0 netns " + BEHIND);
    host.run("ip link set port0 master br0 up");
    Commands.in(BEHIND, "ip addr add 10.244.1.130/25 dev eth0");
    Commands.in(BEHIND, "ip addr add fd00:244:1::8:2/112 dev eth0 nodad");
    Commands.in(BEHIND, "ip link set eth0 mtu 1430 up");
    Commands.in(BEHIND, "ip route add default via 10.244.1.129");
    Commands.in(BEHIND, "ip route add default via fd00:244:1::8:1");
  }

  private static void ping(String namespace, String address, String options) {
    Commands.in(namespace, "ping -c 2 -i 0.2 -W 2" + options + " " + address);
  }
}
