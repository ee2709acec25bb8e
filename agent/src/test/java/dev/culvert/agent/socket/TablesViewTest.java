// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.socket;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.agent.output.Json;
import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.ContainerLabel;
import dev.culvert.datapath.Counter;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.Gateway;
import dev.culvert.datapath.Identity;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import dev.culvert.datapath.ebpf.DatapathSnapshot;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.RefusedException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TablesViewTest {
  private static final Vtep HERE = vtep("10.17.2.2");
  private static final NextHop WAY =
      new NextHop(2, address("10.17.2.2"), address("10.17.2.1"), 1500, false);
  private static final NextHop LINK =
      new NextHop(2, address("10.17.2.2"), address("10.17.2.9"), 1500, true);

  private static InetAddress address(String text) {
    return IpPrefix.parseAddress(text);
  }

  private static Vtep vtep(String address) {
    return new Vtep(address(address), 4789, MacAddress.parse("02:00:00:00:00:01"));
  }

  private static Subnet subnet(String prefix) {
    return new Subnet(new Vni(7), IpPrefix.parse(prefix));
  }

  private static RemoteSubnet remote(String prefix, Optional<NextHop> way, boolean direct) {
    return new RemoteSubnet(subnet(prefix), HERE, vtep("10.17.2.9"), way, direct);
  }

  private static DatapathSnapshot throughTheSocket(DatapathSnapshot tables) {
    return TablesView.read(Json.parseObject(Json.line(TablesView.write(tables))));
  }

  @Test
  void whatIsWrittenIsRead() {
    DatapathSnapshot tables =
        DatapathSnapshot.ofProcess(
            Optional.of(
                new Identity(
                    new Vni(7),
                    HERE,
                    List.of(
                        new Gateway(address("10.244.1.1"), IpPrefix.parse("10.244.0.0/16")),
                        new Gateway(address("fd00:244:1::1"), IpPrefix.parse("fd00:244::/32"))),
                    new InterfaceName("eth0"))),
            new Datapath.State(
                List.of(
                    remote("10.244.2.0/24", Optional.of(WAY), false),
                    remote("10.244.3.0/24", Optional.of(LINK), true),
                    remote("10.244.4.0/24", Optional.empty(), false)),
                List.of(
                    new LocalSubnet(subnet("10.244.1.0/24"), 0),
                    new LocalSubnet(subnet("10.244.9.0/24"), 5)),
                List.of(
                    new Endpoint(
                        new Vni(7),
                        List.of(address("10.244.1.2"), address("fd00:244:1::2")),
                        MacAddress.parse("02:00:00:00:00:02"),
                        new Endpoint.HostEnd(4, MacAddress.parse("02:00:00:00:00:03"), true),
                        Optional.of(
                            new ContainerEnd(
                                Path.of("/run/netns/blue"),
                                new InterfaceName("eth0"),
                                Optional.of(new ContainerLabel("web/one"))))))),
            Map.of(Verdict.ENCAPSULATED, new Counter(5_000_000_000L, 7)));
    assertEquals(tables, throughTheSocket(tables));
  }

  @Test
  void anAgentThatIsStillStartingHasNoIdentity() {
    DatapathSnapshot tables =
        DatapathSnapshot.ofProcess(
            Optional.empty(), new Datapath.State(List.of(), List.of(), List.of()), Map.of());
    assertEquals(tables, throughTheSocket(tables));
  }

  @Test
  void anythingElseIsRefused() {
    var e = assertThrows(RefusedException.class, () -> TablesView.read(Map.of("locals", "none")));
    assertTrue(e.getMessage().endsWith("of the same version?"), e.getMessage());
  }
}
