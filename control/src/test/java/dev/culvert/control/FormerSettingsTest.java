// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static dev.culvert.control.Fixtures.address;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Vni;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.RefusedException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** A configuration that changed between two starts, with and without containers. */
final class FormerSettingsTest extends OverlayFixture {
  private static OverlayConfig.Builder builder() {
    return OverlayConfig.builder(new HostName("host-01"), address("10.17.2.2"))
        .leaseDuration(LEASE);
  }

  private static OverlayConfig.Network network(String prefix, int length) {
    return new OverlayConfig.Network(IpPrefix.parse(prefix), length, Optional.empty());
  }

  private void attachOne() {
    Overlay overlay = start();
    var _ = overlay.attach(NETNS, new InterfaceName("eth0"), Optional.empty());
    overlay.close();
  }

  /** Refused with both values, before anything is changed; the old configuration goes on. */
  private void isRefused(OverlayConfig changed, String then, String now) {
    attachOne();
    Datapath.State before = datapath.read();
    List<Lease> leases = memory.list();
    var e = assertThrows(RefusedException.class, () -> start(changed, datapath));
    assertTrue(
        e.getMessage()
            .startsWith(
                "A container of this host is attached with "
                    + then
                    + ", and the configuration says "
                    + now
                    + ": nothing was changed;"),
        e.getMessage());
    assertEquals(before, datapath.read());
    assertEquals(leases, memory.list());

    Overlay back = start();
    assertEquals(1, back.status().endpoints().size());
    assertEquals(List.of(), back.status().problems());
  }

  @Test
  void anotherVni() {
    isRefused(
        builder().vni(new Vni(7)).network(IpPrefix.parse("10.244.0.0/16")).build(),
        "VNI 1",
        "VNI 7");
  }

  @Test
  void anotherNetwork() {
    isRefused(
        builder().network(IpPrefix.parse("10.200.0.0/16")).build(),
        "network 10.244.0.0/16",
        "network 10.200.0.0/16");
  }

  @Test
  void theOtherFamilyOnly() {
    isRefused(
        builder().network(IpPrefix.parse("fd00:244::/48")).build(),
        "network 10.244.0.0/16",
        "no network of its IP family");
  }

  @Test
  void anotherSubnetLength() {
    isRefused(
        builder().network(network("10.244.0.0/16", 26)).build(),
        "subnet length 24",
        "subnet length 26");
  }

  @Test
  void anotherPort() {
    attachOne();
    datapath.setPort(8472);
    var e = assertThrows(RefusedException.class, this::start);
    assertTrue(e.getMessage().contains("with port 4789, and the configuration says port 8472:"));
    datapath.setPort(4789);
    assertEquals(1, start().status().endpoints().size());
  }

  @Test
  void withoutContainersAndWithOneMoreFamilyItIsCarriedOut() {
    start().close();
    OverlayConfig elsewhere = builder().network(IpPrefix.parse("10.200.0.0/16")).build();
    agreeOn(elsewhere);
    Overlay moved = start(elsewhere, datapath);
    assertEquals("10.200.1.0/24", prefixes(moved).getFirst());
    var _ = moved.attach(NETNS, new InterfaceName("eth0"), Optional.empty());
    moved.close();
    OverlayConfig more =
        builder()
            .network(IpPrefix.parse("10.200.0.0/16"))
            .network(IpPrefix.parse("fd00:244::/48"))
            .build();
    agreeOn(more);
    Overlay both = start(more, datapath);
    assertEquals(List.of("10.200.1.0/24", "fd00:244:0:1::/64"), prefixes(both));
  }

  /** As by "culvert store network": the store has to say so first. */
  private void agreeOn(OverlayConfig config) {
    var settings = NetworkSettings.of(config, datapath.port());
    assertTrue(
        memory.putNetwork(config.vni(), memory.network(config.vni()), Optional.of(settings)));
  }

  private static List<String> prefixes(Overlay overlay) {
    return overlay.status().leases().stream()
        .map(lease -> lease.subnet().prefix().toString())
        .toList();
  }
}
