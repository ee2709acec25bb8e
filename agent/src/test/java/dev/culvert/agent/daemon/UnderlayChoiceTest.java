// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.culvert.agent.UserException;
import dev.culvert.agent.config.UnderlayWish.Matching;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.netlink.AddressInfo;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.RouteInfo;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Vagrant's eth0 with the address that all its machines have, and the interfaces that matter. */
class UnderlayChoiceTest {
  private static final UnderlayChoice CHOICE = choice(IpFamily.IPV4, IpFamily.IPV6);

  private static UnderlayChoice choice(IpFamily... families) {
    return new UnderlayChoice(
        List.of(families),
        List.of(
            link(1, "lo", ""),
            link(2, "eth0", ""),
            link(3, "ens3", ""),
            link(4, "ens4", ""),
            link(5, "culvert0", "culvert:host-01:culvert0")),
        List.of(
            address(1, "127.0.0.1"),
            address(2, "10.0.2.15"),
            address(3, "fe80::3"),
            address(3, "2001:db8::3"),
            address(4, "10.17.2.2"),
            address(4, "10.17.2.3"),
            address(4, "2001:db8:4::4"),
            address(5, "10.244.1.1")));
  }

  private static LinkInfo link(int index, String name, String alias) {
    return new LinkInfo(index, name, "", 1500, true, new byte[6], 0, 0, alias, 0);
  }

  private static AddressInfo address(int index, String text) {
    return new AddressInfo(index, IpPrefix.parseAddress(text), 24);
  }

  private static String text(UnderlayChoice.Chosen chosen) {
    return chosen.underlay().interfaceName() + " " + IpAddresses.text(chosen.address());
  }

  private static Optional<RouteInfo> way(int interfaceIndex, String source) {
    RouteInfo.Builder route = RouteInfo.to(InetAddress.ofLiteral("192.0.2.1"), 32, interfaceIndex);
    if (!source.isEmpty()) {
      route.from(InetAddress.ofLiteral(source));
    }
    return Optional.of(route.build());
  }

  @Test
  void theFirstThatMatchesAndHasAnAddressOfTheFamily() {
    assertEquals("ens4 10.17.2.2", text(CHOICE.matching(new Matching("ens.*"))));
    assertEquals("ens3 2001:db8::3", text(choice(IpFamily.IPV6).matching(new Matching("ens.*"))));
    assertEquals("ens3 2001:db8::3", text(CHOICE.matching(new Matching("ens3"))));
    assertEquals("eth0 10.0.2.15", text(CHOICE.matching(new Matching(".*"))));
  }

  @Test
  void aNameMatchesWholeOrNotAtAllAndOurDeviceNever() {
    for (String expression : List.of("ens", "lo", "culvert0", "wlan.*")) {
      String message =
          assertThrows(UserException.class, () -> CHOICE.matching(new Matching(expression)))
              .getMessage();
      assertEquals(
          "No interface whose name matches \""
              + expression
              + "\" has a global address of IPv4 or IPv6; this network namespace has lo, eth0, ens3,"
              + " ens4, culvert0: correct underlay.matching.",
          message);
    }
  }

  @Test
  void theFirstWithAnAddressWithinANetwork() {
    assertEquals("ens4 10.17.2.2", text(CHOICE.within(IpPrefix.parse("10.17.0.0/16"))));
    assertEquals("ens4 10.17.2.3", text(CHOICE.within(IpPrefix.parse("10.17.2.3/32"))));
    assertEquals("ens4 2001:db8:4::4", text(CHOICE.within(IpPrefix.parse("2001:db8:4::/48"))));
    assertEquals(
        Optional.of(IpPrefix.parse("10.17.0.0/16")),
        CHOICE.within(IpPrefix.parse("10.17.0.0/16")).underlay().within());
    assertEquals(
        "No interface has an address within 10.244.0.0/16; this network namespace has 10.0.2.15,"
            + " 2001:db8::3, 10.17.2.2, 10.17.2.3, 2001:db8:4::4, 10.244.1.1: correct"
            + " underlay.network.",
        assertThrows(UserException.class, () -> CHOICE.within(IpPrefix.parse("10.244.0.0/16")))
            .getMessage());
  }

  @Test
  void theWayToAnAddress() {
    InetAddress four = InetAddress.ofLiteral("192.0.2.1");
    InetAddress six = InetAddress.ofLiteral("2001:db8:9::1");
    assertEquals("ens4 10.17.2.3", text(CHOICE.toward(four, way(4, "10.17.2.3"))));
    assertEquals("ens4 10.17.2.2", text(CHOICE.toward(four, way(4, ""))));
    assertEquals("ens4 10.17.2.2", text(CHOICE.toward(four, way(4, "10.17.2.9"))));
    assertEquals("ens4 2001:db8:4::4", text(CHOICE.toward(six, way(4, ""))));
    assertThrows(UserException.class, () -> CHOICE.toward(four, way(3, "")));
    assertThrows(UserException.class, () -> CHOICE.toward(four, way(5, "10.244.1.1")));
    assertEquals(
        "No interface with a global address leads to 192.0.2.1; this network namespace has"
            + " 10.0.2.15, 2001:db8::3, 10.17.2.2, 10.17.2.3, 2001:db8:4::4, 10.244.1.1: correct"
            + " underlay.toward, or the routes.",
        assertThrows(UserException.class, () -> CHOICE.toward(four, Optional.empty()))
            .getMessage());
  }
}
