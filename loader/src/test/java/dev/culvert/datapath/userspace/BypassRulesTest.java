// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Gateway;
import dev.culvert.datapath.IpPrefix;
import java.net.InetAddress;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** That nft(8) and the kernel take them as they are meant is ForwardDropNetnsTest's. */
class BypassRulesTest {
  private static final BypassRules.Port CONTAINER =
      new BypassRules.Port(
          7,
          "cv0af401021",
          List.of(IpPrefix.parse("10.244.1.2/32"), IpPrefix.parse("fd00:244:1::2/128")));
  private static final BypassRules.Port BRIDGE =
      new BypassRules.Port(9, "br0", List.of(IpPrefix.parse("10.244.1.128/25")));

  private static BypassRules rules(List<BypassRules.Port> bridges) {
    return rules(bridges, List.of());
  }

  private static BypassRules rules(
      List<BypassRules.Port> bridges, List<BypassRules.Direct> directs) {
    return new BypassRules(
        List.of(
            new Gateway(InetAddress.ofLiteral("10.244.1.1"), IpPrefix.parse("10.244.0.0/16")),
            new Gateway(InetAddress.ofLiteral("fd00:244:1::1"), IpPrefix.parse("fd00:244::/32"))),
        List.of(IpPrefix.parse("10.244.1.0/24")),
        directs,
        List.of(CONTAINER),
        bridges,
        new BypassRules.Tunnel(3, 1450));
  }

  @Test
  void namesEveryChainThatItMakes() {
    BypassRules rules = rules(List.of(BRIDGE));
    assertEquals(
        rules.chains(),
        Pattern.compile("flush chain netdev culvert0 (\\S+)")
            .matcher(rules.text())
            .results()
            .map(match -> match.group(1))
            .collect(Collectors.toCollection(TreeSet::new)));
    assertTrue(
        rules.chains().containsAll(List.of("in-3", "out-3", "in-7", "out-9", "stays4", "leave6")));
  }

  @Test
  void whatComesFromADirectHostIsDeliveredAndNeverSentOn() {
    BypassRules rules =
        rules(
            List.of(),
            List.of(
                new BypassRules.Direct(
                    IpPrefix.parse("10.244.2.0/24"),
                    InetAddress.ofLiteral("10.17.2.3"),
                    11,
                    "under0")));
    assertTrue(rules.chains().containsAll(List.of("in-11", "out-11")), rules.chains().toString());
    String text = rules.text();
    String from = "add rule netdev culvert0 in-11 ip saddr { 10.244.2.0/24 } jump ";
    assertTrue(text.contains(from + "stays4\n") && text.contains(from + "deliver4\n"), text);
    assertFalse(text.contains(from + "leave4"), text);
    assertTrue(
        text.contains(
            "ip daddr 10.244.2.0/24 meta mark set 0x63756c76 fwd ip to 10.17.2.3 device \"under0\"\n"),
        text);
  }

  @Test
  void aContainerIsSentOnOnlyFromItsOwnAddresses() {
    String text = rules(List.of()).text();
    assertTrue(
        text.contains("add rule netdev culvert0 in-7 ip saddr { 10.244.1.2 } jump leave4\n"), text);
    assertTrue(
        text.contains("add rule netdev culvert0 in-7 ip6 saddr { fd00:244:1::2 } jump leave6\n"),
        text);
  }

  /** What came out of the tunnel would go round between hosts that both take it for the other's. */
  @Test
  void nothingLeavesByTheTunnelThatCameOutOfIt() {
    assertFalse(rules(List.of(BRIDGE)).text().contains("in-3 meta protocol ip jump leave"));
  }

  @Test
  void asksForTheHostsOwnAddressesOnlyWhereThereIsABridge() {
    assertFalse(rules(List.of()).text().contains("fib daddr"));
    assertTrue(rules(List.of(BRIDGE)).text().contains("fib daddr type unicast"));
  }
}
