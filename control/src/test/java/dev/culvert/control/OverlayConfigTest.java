// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Vni;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class OverlayConfigTest {
  private static OverlayConfig config(
      String host, String network, int length, String subnet, String underlay) {
    return new OverlayConfig(
        host,
        new Vni(1),
        IpPrefix.parse(network),
        length,
        Optional.ofNullable(subnet).map(IpPrefix::parse),
        IpPrefix.parseAddress(underlay),
        4789,
        false,
        Duration.ofHours(24));
  }

  private static OverlayConfig config(int port, Duration leaseDuration) {
    return new OverlayConfig(
        "host-01",
        new Vni(1),
        IpPrefix.parse("10.244.0.0/16"),
        24,
        Optional.empty(),
        IpPrefix.parseAddress("10.17.2.2"),
        port,
        false,
        leaseDuration);
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
            IllegalArgumentException.class,
            () -> config("host-01", network, length, subnet, underlay));
    assertEquals(sentence, e.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "a b", "-a", "../x", "a/b", "h\u00f6st", "a\nb"})
  void oddHostNamesAreRefused(String host) {
    var e =
        assertThrows(
            IllegalArgumentException.class,
            () -> config(host, "10.244.0.0/16", 24, null, "10.17.2.2"));
    assertEquals(
        "\""
            + host.replace('\n', '?')
            + "\" cannot be a host's name: use 1 to 253 letters, digits, dots, hyphens and"
            + " underscores, beginning with a letter or digit.",
        e.getMessage());
  }

  @Test
  void portsAndLeaseDurationsHaveTheirRange() {
    assertEquals(
        "The UDP port 65536 is outside 1-65535.",
        assertThrows(IllegalArgumentException.class, () -> config(65536, Duration.ofHours(1)))
            .getMessage());
    assertEquals(
        "The lease duration PT9.999S is outside 10 seconds to 3650 days.",
        assertThrows(IllegalArgumentException.class, () -> config(4789, Duration.ofMillis(9999)))
            .getMessage());
    assertThrows(
        IllegalArgumentException.class, () -> config(4789, Duration.ofSeconds(Long.MAX_VALUE)));
  }
}
