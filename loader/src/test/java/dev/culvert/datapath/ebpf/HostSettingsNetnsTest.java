// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Change;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vtep;
import dev.culvert.testing.RequiresRoot;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Settings of the host that are its administrator's, and take packets away. */
@RequiresRoot
@Tag("netns")
class HostSettingsNetnsTest extends OneHostFixture {
  @Test
  void strictFilteringIsToldWhereHostsRouteDirectly() throws Exception {
    EbpfDatapath datapath = start();
    sysctl("net.ipv4.conf.all.rp_filter=1");
    refresh(datapath);
    assertEquals(List.of(), datapath.problems(), "nobody routes directly yet");

    Vtep neighbour = new Vtep(address("10.17.2.1"), 4789, REMOTE.mac());
    NextHop way = new NextHop(indexOf("under0"), VTEP.address(), neighbour.address(), 1500, true);
    Subnet subnet = new Subnet(VNI, IpPrefix.parse("10.244.2.0/24"));
    assertEquals(
        List.of(),
        datapath.apply(
            List.of(
                new Change.PutRemote(
                    new RemoteSubnet(subnet, VTEP, neighbour, Optional.of(way), true)))));
    refresh(datapath);
    String told = String.join(" ", datapath.problems());
    assertTrue(told.contains("\"sysctl -w net.ipv4.conf.under0.rp_filter=2\""), told);

    sysctl("net.ipv4.conf.under0.rp_filter=2"); // as it was advised
    refresh(datapath);
    assertEquals(List.of(), datapath.problems());
  }

  /** As a version attached it that told containers nothing; kube-proxy comes later. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void aContainerAttachedEarlierFindsItsGatewayThoughTheHostAnswersNoArp(int setting)
      throws Exception {
    EbpfDatapath datapath = start();
    attach(datapath, C1, "10.244.1.2");
    Commands.in(C1, "ip neigh del 10.244.1.1 dev eth0");
    sysctl("net.ipv4.conf.all.arp_ignore=" + setting);
    String ping = "ip netns exec " + C1 + " ping -c 1 -W 1 10.244.1.1";
    assertNotEquals(0, Commands.tryRun(ping).exit(), "the host answers ARP all the same");

    refresh(datapath);
    ping(C1, "10.244.1.1");
    String known = Commands.in(C1, "ip neigh show 10.244.1.1");
    assertTrue(known.contains("PERMANENT"), known);
  }

  private static void sysctl(String setting) {
    Commands.in(HOST, "sysctl -qw " + setting);
  }

  private void refresh(EbpfDatapath datapath) throws Exception {
    boolean _ = inHost(datapath::refresh);
  }
}
