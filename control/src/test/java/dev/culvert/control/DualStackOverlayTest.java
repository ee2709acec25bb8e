// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static dev.culvert.control.Fixtures.address;
import static dev.culvert.control.Fixtures.subnet;
import static dev.culvert.control.Fixtures.viaRouter;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Attachment;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.Gateway;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.Vtep;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.RefusedException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** A network of each IP family in one overlay: two leases, one tunnel end. */
final class DualStackOverlayTest extends OverlayFixture {
  private static final IpPrefix NETWORK = IpPrefix.parse("10.244.0.0/16");
  private static final IpPrefix NETWORK6 = IpPrefix.parse("fd00:244::/48");

  @Override
  OverlayConfig config(String host, String underlay) {
    return OverlayConfig.builder(new HostName(host), address(underlay))
        .network(NETWORK6)
        .network(NETWORK)
        .directRouting(false)
        .leaseDuration(LEASE)
        .build();
  }

  private static List<String> subnets(Overlay overlay) {
    return overlay.status().leases().stream().map(l -> l.subnet().prefix().toString()).toList();
  }

  private static List<String> remoteSubnets(Overlay overlay) {
    return overlay.status().remotes().stream().map(r -> r.subnet().prefix().toString()).toList();
  }

  @Test
  void aHostLeasesASubnetOfEachFamilyForOneTunnelEnd() {
    Overlay overlay = start();
    assertEquals(List.of("10.244.1.0/24", "fd00:244:0:1::/64"), subnets(overlay));
    assertEquals(2, memory.list().size());
    assertEquals(1, memory.list().stream().map(Lease::vtep).distinct().count());
    assertEquals(
        List.of(
            new Gateway(address("10.244.1.1"), NETWORK),
            new Gateway(address("fd00:244:0:1::1"), NETWORK6)),
        datapath.gateways());
    assertEquals(
        List.of(
            new LocalSubnet(subnet("10.244.1.0/24"), 0),
            new LocalSubnet(subnet("fd00:244:0:1::/64"), 0)),
        datapath.read().locals());
  }

  @Test
  void hostsComeAndGoWithBothFamilies() throws Exception {
    datapath.route("10.18.2.2", viaRouter("10.17.2.1"));
    Overlay one = start();
    Overlay two = start(config("host-02", "10.18.2.2"), new FakeDatapath());
    List<String> both = List.of("10.244.2.0/24", "fd00:244:0:2::/64");
    await("both of the other's", () -> remoteSubnets(one).equals(both));
    assertTrue(
        one.status().remotes().stream()
            .allMatch(r -> r.nextHop().equals(Optional.of(viaRouter("10.17.2.1")))));
    two.leave();
    await("the other is gone", () -> remoteSubnets(one).isEmpty());
    assertEquals(2, memory.list().size());
  }

  @Test
  void aContainerGetsOneAddressOfEachAndLosesBothAtOnce() {
    Overlay overlay = start();
    Endpoint first = overlay.attach(NETNS, new InterfaceName("eth0"), Optional.empty());
    assertEquals(List.of(address("10.244.1.2"), address("fd00:244:0:1::2")), first.addresses());
    assertEquals(
        List.of(
            new Attachment.Address(address("10.244.1.2"), address("10.244.1.1")),
            new Attachment.Address(address("fd00:244:0:1::2"), address("fd00:244:0:1::1"))),
        datapath.attachments().getFirst().addresses());

    InetAddress wanted = address("fd00:244:0:1::77");
    Endpoint second = overlay.attach(NETNS, new InterfaceName("eth1"), List.of(wanted));
    assertEquals(List.of(address("10.244.1.3"), wanted), second.addresses());
    var e =
        assertThrows(
            RefusedException.class,
            () ->
                overlay.attach(
                    NETNS, new InterfaceName("eth2"), List.of(address("10.244.1.9"), wanted)));
    assertEquals("The address fd00:244:0:1::77 is taken by a container.", e.getMessage());
    assertThrows(
        RefusedException.class,
        () ->
            overlay.attach(
                NETNS,
                new InterfaceName("eth2"),
                List.of(address("10.244.1.8"), address("10.244.1.9"))));

    overlay.detach(wanted);
    assertEquals(List.of(first), overlay.status().endpoints());
    assertEquals(
        List.of(address("10.244.1.3"), address("fd00:244:0:1::3")),
        overlay.attach(NETNS, new InterfaceName("eth1"), Optional.empty()).addresses());
  }

  @Test
  void losingOneLeaseLeavesTheOtherAtWork() throws Exception {
    Overlay overlay = start();
    Lease own6 = overlay.status().leases().getLast();
    memory.renew(own6, Fixtures.lease("fd00:244:0:1::/64", "host-09", 1, "10.18.2.9", 1));
    clock.advance(LEASE.dividedBy(2).plusSeconds(1));
    String loss = "This host lost its lease of fd00:244:0:1::/64 (VNI 1)";
    await(
        "the loss",
        () -> overlay.status().problems().stream().anyMatch(problem -> problem.startsWith(loss)));

    // IPv4 is renewed, serves new containers, and follows other hosts.
    await("renewal", () -> overlay.status().lease().orElseThrow().generation() > 1);
    assertEquals(
        List.of(address("10.244.1.2")),
        overlay.attach(NETNS, new InterfaceName("eth0"), Optional.empty()).addresses());
    memory.acquire(Fixtures.lease("10.244.7.0/24", "host-07", 1, "10.18.2.7", 1));
    await("a new host", () -> remoteSubnets(overlay).contains("10.244.7.0/24"));
    var refused =
        assertThrows(
            RefusedException.class,
            () ->
                overlay.attach(
                    NETNS, new InterfaceName("eth1"), List.of(address("fd00:244:0:1::5"))));
    assertTrue(refused.getMessage().contains("one too many"), refused.getMessage());

    Lease theirs =
        memory.list().stream()
            .filter(l -> l.host().text().equals("host-09"))
            .findFirst()
            .orElseThrow();
    memory.release(theirs);
    await(
        "IPv6 is back",
        () -> {
          clock.advance(Duration.ofMinutes(1));
          return overlay.status().problems().isEmpty();
        });
    assertEquals(List.of("10.244.1.0/24", "fd00:244:0:1::/64"), subnets(overlay));
  }

  @Test
  void aRestartFindsBothAgainAlsoWithoutAStore() {
    Overlay first = start();
    Endpoint endpoint = first.attach(NETNS, new InterfaceName("eth0"), Optional.empty());
    first.close();
    store.setAway(true);
    Overlay second = start();
    assertEquals(List.of("10.244.1.0/24", "fd00:244:0:1::/64"), subnets(second));
    assertEquals(List.of(endpoint), second.status().endpoints());
    assertEquals(3, second.status().problems().size(), second.status().problems().toString());
  }

  @Test
  void aNetworkWithoutAFreeSubnetGivesTheOthersLeaseBack() {
    memory.acquire(Fixtures.lease("fd00:244::/48", "host-07", 1, "10.18.2.7", 1));
    assertThrows(RefusedException.class, () -> start());
    assertEquals(
        List.of(new HostName("host-07")), memory.list().stream().map(Lease::host).toList());
  }

  @Test
  void aHostThatHadOneFamilyGetsTheOtherAndKeepsItsMac() {
    MacAddress written = MacAddress.parse("02:00:0a:11:02:02");
    memory.acquire(
        new Lease(
            subnet("10.244.5.0/24"),
            new HostName("host-01"),
            new Vtep(address("10.17.2.2"), 4789, written),
            1,
            Optional.empty()));
    Overlay overlay = start();
    assertEquals(List.of("10.244.5.0/24", "fd00:244:0:1::/64"), subnets(overlay));
    assertEquals(
        List.of(written, written),
        overlay.status().leases().stream().map(lease -> lease.vtep().mac()).toList());
    assertEquals(written, datapath.vtep().mac());
  }

  @Test
  void ipv6NeedsItsSmallestMtu() {
    datapath.setMtu(1279);
    var e = assertThrows(RefusedException.class, () -> start());
    assertTrue(e.getMessage().contains("at least 1280 are needed"), e.getMessage());
    assertEquals(List.of(), memory.list());
  }

  @Test
  void anOverlayHasOneNetworkOfEachFamily() {
    for (List<IpPrefix> bad :
        List.<List<IpPrefix>>of(List.of(NETWORK6, IpPrefix.parse("fd99::/48")), List.of())) {
      OverlayConfig.Builder builder =
          OverlayConfig.builder(new HostName("host-01"), address("10.17.2.2"));
      for (IpPrefix network : bad) {
        builder.network(network);
      }
      assertThrows(RefusedException.class, builder::build);
    }
    var inside = assertThrows(RefusedException.class, () -> config("host-01", "fd00:244:0:9::2"));
    assertTrue(inside.getMessage().contains("own tunnel"), inside.getMessage());
  }
}
