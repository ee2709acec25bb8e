// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.testing.RequiresRoot;
import dev.culvert.testing.TestNamespace;
import java.net.InetAddress;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What nft(8) is told, and what we say of it. */
@RequiresRoot
@Tag("netns")
class NfTablesNetnsTest {
  private TestNamespace host;

  @BeforeEach
  void makeNamespace() throws Exception {
    host = TestNamespace.create();
  }

  @AfterEach
  void removeNamespace() throws Exception {
    host.close();
  }

  private List<String> told(String ruleset) throws Exception {
    return told(ruleset, List.of());
  }

  private List<String> told(String ruleset, List<NatRule.Prefix> leaving) throws Exception {
    String _ = host.run("nft", ruleset);
    NfTables.Wanted wanted = new NfTables.Wanted(4789, new InterfaceName("culvert0"), leaving);
    try (NetNamespace namespace = NetNamespace.named(Libc.system(), host.name())) {
      return namespace.call(() -> NfTables.dropsOf(Libc.system(), wanted));
    }
  }

  private static final List<NatRule.Prefix> NETWORKS =
      List.of(
          new NatRule.Prefix(InetAddress.ofLiteral("10.244.0.0"), 16),
          new NatRule.Prefix(InetAddress.ofLiteral("fd00:244::"), 48));

  /** All of these let the tunnel's device through, so that only what leaves is told of. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          2 | inet t | ct state established accept;
          1 | ip t   | ct state established accept;
          1 | ip6 t  | ct state established accept;
          0 | inet t | ip saddr 10.244.0.0/16 accept; ip6 saddr fd00:244::/48 accept;
          0 | ip t   | ip saddr 10.0.0.0/8 accept;
          0 | ip t   | ip saddr 10.240.0.0/12 accept;
          0 | ip t   | ip saddr 10.244.3.0/24 counter accept;
          1 | ip t   | ip saddr 10.64.0.0/12 accept;
          1 | ip t   | ip saddr 10.244.0.0/16 counter;
          1 | ip t   | ip daddr 10.244.0.0/16 accept;
          1 | ip6 t  | ip6 saddr fd00:245::/48 accept;
          """)
  void whatLeavesTheOverlayMustPassToo(int count, String table, String rules) throws Exception {
    String ruleset =
        "table %s { chain f { type filter hook forward priority 0; policy drop; iifname culvert0 accept; %s }; }"
            .formatted(table, rules.stripTrailing());
    List<String> told = told(ruleset, NETWORKS);
    assertEquals(count, told.size(), told.toString());
    for (String sentence : told) {
      String advice = sentence.substring(sentence.indexOf("nft insert"));
      for (String command : advice.split("; ", -1)) {
        told = told(command.substring("nft ".length()), NETWORKS);
      }
    }
    assertEquals(List.of(), told);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "add table inet t",
        "table inet t { chain f { type filter hook forward priority 0; policy accept; }; }",
        "table inet t { chain f { type filter hook forward priority 0; policy drop;"
            + " iifname culvert0 accept; }; }",
        "table inet t { chain f { type filter hook forward priority 0; policy drop;"
            + " oifname \"culvert*\" accept; }; }",
        "table inet t { chain i { type filter hook input priority 0; policy drop;"
            + " udp dport 4789 accept; }; }",
        "table inet t { chain i { type filter hook input priority 0; udp dport 53 drop; }; }",
        "table inet t { chain i { type filter hook input priority 0; udp sport 4789 drop; }; }",
        "table inet t { chain i { udp dport 4789 drop; }; }"
      })
  void whatLetsTheTunnelThroughIsNotTold(String ruleset) throws Exception {
    assertEquals(List.of(), told(ruleset));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          inet t f (hook forward) | table inet t { chain f { type filter hook forward priority 0; policy drop; ct state established accept; }; }
          ip t f (hook forward)   | table ip t { chain f { type filter hook forward priority 0; policy drop; iifname eth0 accept; }; }
          inet t i (hook input)   | table inet t { chain i { type filter hook input priority 0; udp dport 4789 drop; }; }
          ip6 t i (hook input)    | table ip6 t { chain i { type filter hook input priority 0; udp dport 4789 reject; }; }
          inet t i (hook input)   | table inet t { chain i { type filter hook input priority 0; policy drop; udp dport 53 accept; }; }
          """)
  void whatDropsItIsNamed(String named, String ruleset) throws Exception {
    List<String> told = told(ruleset);
    assertEquals(1, told.size(), told.toString());
    assertTrue(told.getFirst().contains("chain " + named), told.getFirst());
  }

  @Test
  void theAdviceThatIsGivenHelps() throws Exception {
    List<String> told =
        told("table inet t { chain f { type filter hook forward priority 0; policy drop; }; }");
    String advice = told.getFirst().substring(told.getFirst().indexOf("nft insert"));
    for (String command : advice.split("; ", -1)) {
      told = told(command.substring("nft ".length()));
    }
    assertEquals(List.of(), told);
  }
}
