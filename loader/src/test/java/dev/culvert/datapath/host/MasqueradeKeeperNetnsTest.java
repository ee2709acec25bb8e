// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Masquerade;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.kernel.netlink.Netlink;
import dev.culvert.kernel.system.Syscall;
import dev.culvert.testing.RequiresRoot;
import dev.culvert.testing.TestNamespace;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What nft(8) shows of our table, whatever others do to it and beside it. */
@RequiresRoot
@Tag("netns")
class MasqueradeKeeperNetnsTest {
  private static final List<IpPrefix> NETWORKS =
      List.of(IpPrefix.parse("10.244.0.0/16"), IpPrefix.parse("fd00:240::/29"));
  private static final Masquerade WISH =
      new Masquerade(
          List.of(
              IpPrefix.parse("fd00:8000::/17"),
              IpPrefix.parse("10.0.0.0/8"),
              IpPrefix.parse("192.0.2.7/32"),
              IpPrefix.parse("10.0.0.0/8")));
  private static final String TABLE =
      """
      table inet culvert0 {
      	comment "culvert:host-01:culvert0"
      	chain leaving {
      		type nat hook postrouting priority srcnat + 10; policy accept;
      		oifname "lo" return comment "culvert: by lo as it is"
      		ip saddr 10.244.0.0/16 ip daddr 10.244.0.0/16 return comment "culvert: from 10.244.0.0/16 to 10.244.0.0/16 as it is"
      		ip saddr 10.244.0.0/16 ip daddr 224.0.0.0/4 return comment "culvert: from 10.244.0.0/16 to 224.0.0.0/4 as it is"
      		ip saddr 10.244.0.0/16 ip daddr 10.0.0.0/8 return comment "culvert: from 10.244.0.0/16 to 10.0.0.0/8 as it is"
      		ip saddr 10.244.0.0/16 ip daddr 192.0.2.7 return comment "culvert: from 10.244.0.0/16 to 192.0.2.7/32 as it is"
      		ip saddr 10.244.0.0/16 masquerade fully-random comment "culvert: from 10.244.0.0/16 as the host"
      		ip6 saddr fd00:240::/29 ip6 daddr fd00:240::/29 return comment "culvert: from fd00:240::/29 to fd00:240::/29 as it is"
      		ip6 saddr fd00:240::/29 ip6 daddr ff00::/8 return comment "culvert: from fd00:240::/29 to ff00::/8 as it is"
      		ip6 saddr fd00:240::/29 ip6 daddr fd00:8000::/17 return comment "culvert: from fd00:240::/29 to fd00:8000::/17 as it is"
      		ip6 saddr fd00:240::/29 masquerade fully-random comment "culvert: from fd00:240::/29 as the host"
      	}
      }
      """;

  private static final int NETLINK_NETFILTER = 12;

  private TestNamespace host;
  private Netlink netlink;

  @BeforeEach
  void makeNamespace() throws Exception {
    host = TestNamespace.create();
    try (NetNamespace namespace = NetNamespace.named(Libc.system(), host.name())) {
      netlink = Netlink.open(Libc.system(), namespace);
    }
  }

  @AfterEach
  void removeNamespace() throws Exception {
    netlink.close();
    host.close();
  }

  private MasqueradeKeeper keeper(Optional<Masquerade> wish) {
    return new MasqueradeKeeper(Libc.system(), netlink, new Ownership("host-01"), wish);
  }

  private String rules() throws Exception {
    return host.run("nft", "list", "ruleset");
  }

  @Test
  void theTableIsAsItReads() throws Exception {
    assertEquals(List.of(), keeper(Optional.of(WISH)).keep(NETWORKS));
    assertEquals(TABLE, rules());
  }

  @Test
  void nothingIsWrittenWhereNothingHasChanged() throws Exception {
    assertEquals(List.of(), keeper(Optional.of(WISH)).keep(NETWORKS));
    String before = host.run("nft", "-a", "list", "ruleset"); // handles tell each table made anew
    assertEquals(List.of(), keeper(Optional.of(WISH)).keep(NETWORKS));
    assertEquals(before, host.run("nft", "-a", "list", "ruleset"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "flush ruleset",
        "flush chain inet culvert0 leaving",
        "delete table inet culvert0",
        "insert rule inet culvert0 leaving accept",
        "add rule inet culvert0 leaving counter",
        "add chain inet culvert0 leaving { policy drop; }",
        "add table inet culvert0 { flags dormant; }",
        "flush ruleset; add table inet culvert0 { comment \"culvert:host-01:culvert0\"; }"
      })
  void whatSomebodyDidToItIsMended(String done) throws Exception {
    MasqueradeKeeper keeper = keeper(Optional.of(WISH));
    assertEquals(List.of(), keeper.keep(NETWORKS));
    String _ = host.run("nft", done);
    assertEquals(List.of(), keeper.keep(NETWORKS));
    assertEquals(TABLE, rules());
  }

  @Test
  void otherNetworksAndExceptionsTakeThePlaceOfTheFormer() throws Exception {
    assertEquals(List.of(), keeper(Optional.of(WISH)).keep(NETWORKS));
    assertEquals(
        List.of(),
        keeper(Optional.of(Masquerade.ALL)).keep(List.of(IpPrefix.parse("10.250.0.0/16"))));
    String rules = rules();
    assertTrue(rules.contains("ip saddr 10.250.0.0/16 masquerade"), rules);
    assertTrue(!rules.contains("10.244.") && !rules.contains("10.0.0.0/8"), rules);
  }

  @Test
  void othersTablesStayAsTheyAre() throws Exception {
    String _ =
        host.run(
            "nft",
            "table inet culvert1 { chain leaving { type nat hook postrouting priority srcnat; }; };"
                + " table ip nat { chain POSTROUTING { type nat hook postrouting priority srcnat;"
                + " ip saddr 172.17.0.0/16 masquerade; }; }");
    String before = rules();
    MasqueradeKeeper keeper = keeper(Optional.of(WISH));
    assertEquals(List.of(), keeper.keep(NETWORKS));
    assertEquals(before + TABLE, rules());
    keeper.remove();
    assertEquals(before, rules());
    assertEquals(List.of(), keeper.keep(NETWORKS));
    assertEquals(
        List.of(), keeper(Optional.empty()).keep(NETWORKS)); // it is not wished for any more
    assertEquals(before, rules());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "comment \"culvert:host-02:culvert0\";", "comment \"mine\";"})
  void aTableOfThatNameThatIsNotOursIsToldAndLeft(String comment) throws Exception {
    String _ = host.run("nft", "add table inet culvert0 { " + comment + " }");
    String before = rules();
    MasqueradeKeeper keeper = keeper(Optional.of(WISH));
    List<String> told = keeper.keep(NETWORKS);
    assertEquals(1, told.size(), told.toString());
    assertTrue(told.getFirst().contains("nft delete table inet culvert0"), told.toString());
    keeper.remove();
    assertEquals(List.of(), keeper(Optional.empty()).keep(NETWORKS));
    assertEquals(before, rules());
  }

  /** A kernel without netlink for netfilter: EPROTONOSUPPORT, or EINVAL where something filters. */
  @ParameterizedTest
  @ValueSource(ints = {93, 22})
  void aKernelThatCannotIsToldInOneSentence(int errno) {
    Libc lacking =
        (call, a, b, c, d, e, f) -> {
          boolean netfilter = call == Syscall.SOCKET && c == NETLINK_NETFILTER;
          return netfilter ? -errno : Libc.system().call(call, a, b, c, d, e, f);
        };
    MasqueradeKeeper keeper =
        new MasqueradeKeeper(lacking, netlink, new Ownership("host-01"), Optional.of(WISH));
    List<String> told = keeper.keep(NETWORKS);
    assertEquals(1, told.size(), told.toString());
    assertTrue(told.getFirst().contains("CONFIG_NFT_MASQ"), told.getFirst());
    keeper.remove();
    assertEquals(
        List.of(),
        new MasqueradeKeeper(lacking, netlink, new Ownership("host-01"), Optional.empty())
            .keep(NETWORKS));
  }

  @Test
  void aTrialLeavesNothing() throws Exception {
    try (NetNamespace namespace = NetNamespace.named(Libc.system(), host.name())) {
      assertEquals(
          List.of(), namespace.call(() -> MasqueradeKeeper.tryOut(Libc.system(), WISH, NETWORKS)));
    }
    assertEquals("", rules());
  }

  @Test
  void aWayOutThatDoesNotForwardIsToldWithTheCommandThatHelps() throws Exception {
    String _ =
        host.run(
            "sh",
            "-ec",
            "sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0;"
                + " ip link add out0 type veth peer name far0; ip link set far0 up; ip link set out0 up;"
                + " ip addr add 10.17.2.2/24 dev out0; ip addr add fd00:17::2/64 dev out0 nodad;"
                + " ip route add default via 10.17.2.1; ip route add default via fd00:17::1");
    MasqueradeKeeper keeper = keeper(Optional.of(WISH));
    List<String> told = keeper.keep(NETWORKS);
    assertEquals(2, told.size(), told.toString());
    for (String sentence : told) {
      String command = sentence.replaceFirst(".*Run \"", "").replaceFirst("\".*", "");
      String _ = host.run("sh", "-ec", command);
    }
    assertEquals(List.of(), keeper.keep(NETWORKS));
    assertEquals(TABLE, rules());
  }
}
