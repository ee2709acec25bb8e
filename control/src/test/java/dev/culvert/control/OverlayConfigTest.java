// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.control.OverlayConfig.Network;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Vni;
import dev.culvert.kernel.RefusedException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class OverlayConfigTest {
  private static OverlayConfig config(
      String host, String network, int length, String subnet, String underlay) {
    Optional<IpPrefix> wanted = Optional.ofNullable(subnet).map(IpPrefix::parse);
    return OverlayConfig.builder(new HostName(host), IpPrefix.parseAddress(underlay))
        .network(new Network(IpPrefix.parse(network), length, wanted))
        .build();
  }

  private static OverlayConfig.Builder builder() {
    return OverlayConfig.builder(new HostName("host-01"), IpPrefix.parseAddress("10.17.2.2"));
  }

  @Test
  void ordinaryOnesAreFine() {
    assertDoesNotThrow(() -> config("host-01", "10.244.0.0/16", 24, null, "10.17.2.2"));
    assertDoesNotThrow(() -> config("h", "10.244.0.0/16", 30, "10.244.0.4/30", "fd00::1"));
    assertDoesNotThrow(() -> config("a.b_c", "fd00:10:244::/48", 64, null, "10.17.2.2"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      value = {
        "10.244.0.0/16 | 24 | 10.245.1.0/24 | 10.17.2.2"
            + " | The subnet 10.245.1.0/24 is outside the network 10.244.0.0/16.",
        "10.244.0.0/16 | 24 | 10.0.0.0/8 | 10.17.2.2"
            + " | The subnet 10.0.0.0/8 is outside the network 10.244.0.0/16.",
        "10.244.0.0/16 | 24 | 10.244.1.0/25 | 10.17.2.2"
            + " | The subnet 10.244.1.0/25 has not the subnet length /24 that hosts of the network"
            + " 10.244.0.0/16 use.",
        "10.244.0.0/16 | 15 | - | 10.17.2.2 | A host's subnet of length /15 is larger than the whole"
            + " network 10.244.0.0/16; choose a subnet length of 16 or more.",
        "10.244.0.0/16 | 31 | - | 10.17.2.2 | A host's subnet of length /31 has no room for a gateway"
            + " and a container; choose a subnet length of at most 30.",
        "fd00::/48 | 127 | - | 10.17.2.2 | A host's subnet of length /127 has no room for a gateway"
            + " and a container; choose a subnet length of at most 126.",
        "10.0.0.0/8 | 24 | - | 10.17.2.2 | The network 10.0.0.0/8 contains this host's underlay"
            + " address 10.17.2.2: tunnel packets would go into their own tunnel; choose another"
            + " network.",
        "10.244.0.0/16 | 24 | - | 127.0.0.1"
            + " | 127.0.0.1 cannot be the underlay address of a host.",
        "10.244.0.0/16 | 24 | - | 0.0.0.0 | 0.0.0.0 cannot be the underlay address of a host.",
        "10.244.0.0/16 | 24 | - | 224.0.0.1 | 224.0.0.1 cannot be the underlay address of a host.",
      })
  void whatCannotWorkIsOneSentence(
      String network, int length, String subnet, String underlay, String sentence) {
    var e =
        assertThrows(
            RefusedException.class, () -> config("host-01", network, length, subnet, underlay));
    assertEquals(sentence, e.getMessage());
  }

  @Test
  void whatIsNotSaidIsUsual() {
    OverlayConfig config = builder().network(IpPrefix.parse("10.244.0.0/16")).build();
    assertEquals(new HostName("host-01"), config.host());
    assertEquals(new Vni(1), config.vni());
    assertEquals(
        List.of(new Network(IpPrefix.parse("10.244.0.0/16"), 24, Optional.empty())),
        config.networks());
    assertTrue(config.directRouting());
    assertEquals(Duration.ofHours(24), config.leaseDuration());
  }

  @Test
  void subnetsHaveTheUsualLengthOrWhatTheNetworkLeaves() {
    assertEquals(64, Network.of(IpPrefix.parse("fd00:244::/48")).subnetLength());
    assertEquals(28, Network.of(IpPrefix.parse("10.244.0.0/28")).subnetLength());
    assertEquals(
        new Network(
            IpPrefix.parse("10.244.0.0/16"), 20, Optional.of(IpPrefix.parse("10.244.16.0/20"))),
        Network.of(IpPrefix.parse("10.244.0.0/16")).withSubnet(IpPrefix.parse("10.244.16.0/20")));
    assertEquals(
        26, Network.of(IpPrefix.parse("10.244.0.0/16")).withSubnetLength(26).subnetLength());
    assertThrows(RefusedException.class, () -> Network.of(IpPrefix.parse("10.244.0.0/31")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "127.0.0.0/8",
        "127.4.0.0/16",
        "169.254.0.0/16",
        "224.0.0.0/8",
        "240.0.0.0/16",
        "0.0.0.0/1",
        "fe80::/64",
        "ff05::/48",
        "::/8"
      })
  void networksThatNoContainerCanHaveAnAddressOfAreRefused(String network) {
    var e = assertThrows(RefusedException.class, () -> builder().network(IpPrefix.parse(network)));
    assertTrue(e.getMessage().startsWith("The network " + network + " cannot be"), e.getMessage());
  }

  @Test
  void leaseDurationsHaveTheirRange() {
    OverlayConfig.Builder builder = builder().network(IpPrefix.parse("10.244.0.0/16"));
    assertEquals(
        "The lease duration PT9.999S is outside 10 seconds to 3650 days.",
        assertThrows(
                RefusedException.class,
                () -> builder.leaseDuration(Duration.ofMillis(9999)).build())
            .getMessage());
    assertThrows(
        RefusedException.class,
        () -> builder.leaseDuration(Duration.ofSeconds(Long.MAX_VALUE)).build());
  }

  @Test
  void nothingIsLeftOutByNull() {
    assertEquals(
        "underlayAddress",
        assertThrows(
                NullPointerException.class,
                () -> OverlayConfig.builder(new HostName("host-01"), null))
            .getMessage());
    assertThrows(NullPointerException.class, () -> builder().vni(null));
  }
}
