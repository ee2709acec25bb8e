// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.lab.LabPlan.Container;
import dev.culvert.lab.LabPlan.Host;
import dev.culvert.lab.LabPlan.Underlay;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The scenarios' names and addresses are fixed; the expected ones are copied from there. */
class LabPlanTest {
  private static final LabPlan STANDARD = LabPlan.standard(Underlay.ROUTED);

  @Test
  void standardContainersAreTheScenarios() {
    List<String> containers =
        STANDARD.containerList().stream()
            .map(c -> c.namespace() + " " + c.address() + " " + c.host().name())
            .toList();
    assertEquals(
        List.of(
            "culvert-container-1 10.244.1.2 host-01",
            "culvert-container-2 10.244.1.3 host-01",
            "culvert-container-3 10.244.1.4 host-01",
            "culvert-container-4 10.244.2.2 host-02",
            "culvert-container-5 10.244.2.3 host-02",
            "culvert-container-6 10.244.2.4 host-02"),
        containers);
  }

  @Test
  void anEtcdHasANamespaceAndANetworkOfItsOwn() {
    LabPlan plan = STANDARD.with(LabPlan.Store.ETCD);
    assertEquals("culvert-store", plan.storeNamespace().orElseThrow());
    assertTrue(plan.namespaces().contains("culvert-store"));
    assertEquals("198.18.0.2/24", plan.host(1).storeAddressWithLength());
    assertEquals("198.18.0.1", LabPlan.storeAddress());
    assertTrue(STANDARD.storeNamespace().isEmpty());
  }

  @Test
  void standardHostsAreTheScenarios() {
    Host first = STANDARD.host(1);
    assertEquals("culvert-host-01", first.namespace());
    assertEquals("10.17.2.2", first.address());
    assertEquals("10.17.2.1", first.gateway().orElseThrow());
    assertEquals("10.244.1.0/24", first.subnet());
    assertEquals("10.244.1.1", first.subnetGateway());
    Host second = STANDARD.host(2);
    assertEquals("10.18.2.2", second.address());
    assertEquals("10.18.2.1", second.gateway().orElseThrow());
    assertEquals("culvert-router", STANDARD.routerNamespace());
  }

  @Test
  void ipv6StandsBesideTheScenariosAddresses() {
    LabPlan dual = new LabPlan("x-", 2, 6, Underlay.ROUTED).with(LabPlan.Family.DUAL);
    Container last = dual.containerList().getLast();
    assertEquals(List.of("10.244.2.4", "fd00:10:244:2::4"), last.addresses());
    assertEquals("fd00:10:244:2::4", last.overIpv6().address());
    assertEquals("10.18.2.2", dual.host(2).address());
    assertEquals("fd00:10:244:2::/64", dual.host(2).subnet6());

    LabPlan ipv6 = new LabPlan("x-", 2, 2, Underlay.ROUTED).with(LabPlan.Family.IPV6);
    assertEquals("fd00:10:17:2::2", ipv6.host(1).address());
    assertEquals("fd00:10:17:2::1", ipv6.host(1).gateway().orElseThrow());
    assertEquals(List.of("10.244.1.2"), STANDARD.containerList().getFirst().addresses());
    assertThrows(LabException.class, () -> STANDARD.containerList().getFirst().overIpv6());
  }

  @Test
  void flatHostsShareOneNetworkWithoutGateway() {
    LabPlan flat = LabPlan.standard(Underlay.FLAT);
    assertEquals("192.168.0.232", flat.host(1).address());
    assertEquals("192.168.0.50", flat.host(2).address());
    assertTrue(flat.host(1).gateway().isEmpty());
  }

  @ParameterizedTest
  @CsvSource({"1,1", "2,6", "3,7", "4,2", "100,300", "2,400"})
  void everyNameAndAddressIsUnique(int hosts, int containers) {
    for (Underlay underlay : Underlay.values()) {
      LabPlan plan = new LabPlan("x-", hosts, containers, underlay);
      assertEquals(containers, plan.containerList().size());
      assertEquals(1 + hosts + containers, new HashSet<>(plan.namespaces()).size());
      assertEquals(
          containers, plan.containerList().stream().map(Container::address).distinct().count());
      assertEquals(hosts, plan.hostList().stream().map(Host::address).distinct().count());
    }
  }

  @Test
  void containersThatDoNotDivideGoToTheFirstHosts() {
    LabPlan plan = new LabPlan("x-", 3, 7, Underlay.ROUTED);
    assertEquals(3, plan.containersOf(plan.host(1)).size());
    assertEquals(2, plan.containersOf(plan.host(2)).size());
    assertEquals("container-7", plan.containersOf(plan.host(3)).getLast().name());
  }

  @Test
  void impossibleLabsAreRefused() {
    LabException none =
        assertThrows(LabException.class, () -> new LabPlan("x-", 0, 0, Underlay.ROUTED));
    assertEquals("A lab has 1 to 100 hosts, not 0.", none.getMessage());
    LabException many =
        assertThrows(LabException.class, () -> new LabPlan("x-", 2, 401, Underlay.ROUTED));
    assertEquals("2 hosts take 0 to 400 containers, not 401.", many.getMessage());
  }
}
