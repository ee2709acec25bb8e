// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.culvert.agent.UserException;
import dev.culvert.agent.config.AgentConfig;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.netlink.AddressInfo;
import dev.culvert.kernel.netlink.LinkInfo;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class UnderlayAddressTest {
  private static final List<LinkInfo> LINKS =
      List.of(link(1, "lo"), link(2, "eth0"), link(3, "eth1"));
  private static final List<AddressInfo> ADDRESSES =
      List.of(
          address(1, "127.0.0.1"),
          address(2, "169.254.1.1"),
          address(2, "10.17.2.2"),
          address(2, "10.17.2.3"),
          address(2, "fe80::1"),
          address(2, "2001:db8::2"));

  private static LinkInfo link(int index, String name) {
    return new LinkInfo(index, name, "", 1500, true, new byte[6], 0, 0, "", 0);
  }

  private static AddressInfo address(int index, String text) {
    return new AddressInfo(index, IpPrefix.parseAddress(text), 24);
  }

  private static InetAddress choose(String name, String wanted, IpFamily family) {
    return UnderlayAddress.choose(
        new AgentConfig.Underlay(
            new InterfaceName(name), Optional.ofNullable(wanted).map(IpPrefix::parseAddress)),
        List.of(family),
        LINKS,
        ADDRESSES);
  }

  private static String refusal(String name, String wanted) {
    return assertThrows(UserException.class, () -> choose(name, wanted, IpFamily.IPV4))
        .getMessage();
  }

  @Test
  void takesTheFirstGlobalAddressOfTheFamily() {
    assertEquals(IpPrefix.parseAddress("10.17.2.2"), choose("eth0", null, IpFamily.IPV4));
    assertEquals(IpPrefix.parseAddress("2001:db8::2"), choose("eth0", null, IpFamily.IPV6));
  }

  @Test
  void takesTheConfiguredOneIfItIsThere() {
    assertEquals(IpPrefix.parseAddress("10.17.2.3"), choose("eth0", "10.17.2.3", IpFamily.IPV4));
    assertEquals(
        "The underlay address 10.17.2.9 is not on eth1, which has none; correct underlay.address or remove it.",
        refusal("eth1", "10.17.2.9"));
  }

  @Test
  void keepsTheAddressInUseAndFollowsItWhenItGoes() {
    assertEquals(Optional.of("10.17.2.3"), follow("eth0", "10.17.2.3"));
    assertEquals(Optional.of("10.17.2.2"), follow("eth0", "10.17.2.9"));
    assertEquals(Optional.of("2001:db8:0:0:0:0:0:2"), follow("eth0", "2001:db8::9"));
    assertEquals(Optional.empty(), follow("eth1", "10.17.2.2"));
    assertEquals(Optional.empty(), follow("eth7", "10.17.2.2"));
  }

  private static Optional<String> follow(String name, String current) {
    return UnderlayAddress.follow(
            new AgentConfig.Underlay(new InterfaceName(name), Optional.empty()),
            IpPrefix.parseAddress(current),
            LINKS,
            ADDRESSES)
        .map(InetAddress::getHostAddress);
  }

  @Test
  void followsWithinWhatWasAskedForAlone() {
    AgentConfig.Underlay within =
        new AgentConfig.Underlay(new InterfaceName("eth0"), IpPrefix.parse("10.17.2.3/32"));
    assertEquals(
        Optional.of("10.17.2.3"),
        UnderlayAddress.follow(within, IpPrefix.parseAddress("10.17.2.9"), LINKS, ADDRESSES)
            .map(InetAddress::getHostAddress));
    AgentConfig.Underlay elsewhere =
        new AgentConfig.Underlay(new InterfaceName("eth0"), IpPrefix.parse("10.18.0.0/16"));
    assertEquals(
        Optional.empty(),
        UnderlayAddress.follow(elsewhere, IpPrefix.parseAddress("10.17.2.9"), LINKS, ADDRESSES));
  }

  @Test
  void saysWhatThereIsInstead() {
    assertEquals(
        "There is no interface eth7 for the underlay; this network namespace has lo, eth0, eth1: correct underlay.interface.",
        refusal("eth7", null));
    assertEquals(
        "The underlay interface eth1 has no global IPv4 address (it has none); give it one, or set underlay.address.",
        refusal("eth1", null));
  }
}
