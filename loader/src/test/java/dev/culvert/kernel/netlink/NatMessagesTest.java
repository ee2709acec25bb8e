// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.netlink.NatRule.Prefix;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Our messages about a table against those of nft(8), byte for byte, and what answers mean. */
final class NatMessagesTest {
  private static final String TABLE = "culvert0";
  private static final String COMMENT = "culvert:host-01:culvert0";
  private static final String RULE = "add rule inet culvert0 leaving ";
  private static final Prefix NETWORK = prefix("10.244.0.0", 16);
  private static final Prefix NETWORK6 = prefix("fd00:244::", 48);

  private final FakeNetlink kernel = new FakeNetlink();

  private static Prefix prefix(String address, int length) {
    return new Prefix(InetAddress.ofLiteral(address), length);
  }

  /** What stands in netlink-nftables.txt, built by us. */
  private static Map<String, NetlinkRequest> ours() {
    Map<String, NetlinkRequest> ours = new LinkedHashMap<>();
    ours.put("begin", NatMessages.begin());
    ours.put(
        "create table inet culvert0 { comment \"" + COMMENT + "\"; }",
        NatMessages.createTable(TABLE, COMMENT));
    ours.put(
        "add chain inet culvert0 leaving { type nat hook postrouting priority 110; policy accept; }",
        NatMessages.createChain(TABLE));
    put(ours, "oifname \"lo\" return", NatRule.spareDevice("lo"));
    put(
        ours,
        "ip saddr 10.244.0.0/16 ip daddr 10.244.0.0/16 return",
        NatRule.spare(NETWORK, NETWORK));
    put(
        ours,
        "ip saddr 10.244.0.0/16 ip daddr 224.0.0.0/4 return",
        NatRule.spare(NETWORK, prefix("224.0.0.0", 4)));
    put(ours, "ip saddr 10.244.0.0/16 masquerade fully-random", NatRule.masquerade(NETWORK));
    put(
        ours,
        "ip6 saddr fd00:240::/29 ip6 daddr 2001:db8::7 return",
        NatRule.spare(prefix("fd00:240::", 29), prefix("2001:db8::7", 128)));
    put(ours, "ip6 saddr fd00:244::/48 masquerade fully-random", NatRule.masquerade(NETWORK6));
    ours.put("end", NatMessages.end());
    ours.put(
        "delete table inet handle 1",
        NatMessages.deleteTable(TABLE, new byte[] {0, 0, 0, 0, 0, 0, 0, 1}, 0));
    return ours;
  }

  private static void put(Map<String, NetlinkRequest> ours, String words, NatRule rule) {
    ours.put(
        RULE + words + " comment \"" + rule.comment() + "\"",
        NatMessages.appendRule(TABLE, rule, 0));
  }

  @TestFactory
  Stream<DynamicTest> sameBytesAsNft() {
    GoldenMessages golden = new GoldenMessages("/netlink-nftables.txt");
    Map<String, NetlinkRequest> ours = ours();
    assertEquals(golden.commands(), List.copyOf(ours.keySet()));
    return golden.commands().stream()
        .map(command ->
            DynamicTest.dynamicTest(
                command,
                () -> assertSame(golden.of(command).getFirst(), ours.get(command).message())));
  }

  private static void assertSame(byte[] golden, NetlinkMessage ours) {
    int sequence = ByteBuffer.wrap(golden).order(ByteOrder.LITTLE_ENDIAN).getInt(8);
    assertEquals(HexFormat.of().formatHex(golden), HexFormat.of().formatHex(ours.bytes(sequence)));
  }

  /** Ours and nft's comments are the same kind of thing. */
  @Test
  void aCommentIsReadAsItWasWritten() {
    byte[] message = new GoldenMessages("/netlink-nftables.txt").of(golden("oifname")).getFirst();
    NetlinkAttributes rule = NetlinkReply.parse(message).getFirst().attributes(4);
    assertEquals(
        NatRule.spareDevice("lo").comment(),
        NatMessages.comment(rule.bytes(NatMessages.RULE_USERDATA)));
    assertEquals("", NatMessages.comment(new byte[0]));
    assertEquals("", NatMessages.comment(new byte[] {1, 2, 'x', 0}));
    assertEquals("x", NatMessages.comment(new byte[] {0, 90, 'x', 0}));
  }

  private static String golden(String words) {
    return new GoldenMessages("/netlink-nftables.txt")
        .commands().stream().filter(command -> command.contains(words)).findFirst().orElseThrow();
  }

  /** Begin, table, chain, rule, end; the rule is acknowledged, the fourth of them. */
  @Test
  void aTableIsOneDatagram() {
    kernel.answer(FakeNetlink.acknowledgement(4, 0));
    try (NatTable tables = NatTable.open(kernel)) {
      tables.replace(Optional.empty(), TABLE, COMMENT, List.of(NatRule.masquerade(NETWORK)));
    }
    assertEquals(1, kernel.sent.size());
    List<NetlinkReply> parts = NetlinkReply.parse(kernel.sent.getFirst());
    assertEquals(List.of(1, 2, 3, 4, 5), parts.stream().map(NetlinkReply::sequence).toList());
    assertEquals(
        List.of(false, false, false, true, false),
        parts.stream().map(part -> (part.flags() & NetlinkMessage.ACK) != 0).toList());
  }

  @Test
  void theFirstRefusalIsToldWithWhatItWasAbout() {
    kernel.answer(FakeNetlink.acknowledgement(3, 2)); // ENOENT: no such type of chain
    kernel.answer(FakeNetlink.acknowledgement(4, 2));
    try (NatTable tables = NatTable.open(kernel)) {
      List<NatRule> rules = List.of(NatRule.masquerade(NETWORK));
      KernelException refused =
          assertThrows(
              KernelException.class, () -> tables.replace(Optional.empty(), TABLE, COMMENT, rules));
      assertEquals("NFT_MSG_NEWCHAIN", refused.call());
      assertEquals(Errno.ENOENT, refused.errno());
      kernel.answer(FakeNetlink.acknowledgement(9, 0)); // the next begins with 6
      tables.replace(Optional.empty(), TABLE, COMMENT, rules);
    }
    assertEquals(2, kernel.sent.size());
  }

  @Test
  void aTableOfManyRulesIsStillOneDatagram() {
    List<NatRule> rules =
        Stream.generate(() -> NatRule.spare(NETWORK6, NETWORK6)).limit(140).toList();
    kernel.answer(FakeNetlink.acknowledgement(143, 0));
    try (NatTable tables = NatTable.open(kernel)) {
      tables.replace(Optional.empty(), TABLE, COMMENT, rules);
    }
    assertTrue(kernel.sent.getFirst().length > 16 * 1024);
    assertEquals(144, NetlinkReply.parse(kernel.sent.getFirst()).size());
  }

  /** What has no end is never carried out. */
  @Test
  void aTrialHasNoEnd() {
    kernel.answer(FakeNetlink.acknowledgement(4, 0));
    try (NatTable tables = NatTable.open(kernel)) {
      tables.tryOut(List.of(NatRule.masquerade(NETWORK)));
    }
    assertEquals(4, NetlinkReply.parse(kernel.sent.getFirst()).size());
  }
}
