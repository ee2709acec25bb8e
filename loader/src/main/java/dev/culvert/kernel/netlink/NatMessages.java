// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Messages about one table of nf_tables with one chain (linux/netfilter/nf_tables.h), as nft(8)
 * sends them. Pure.
 */
final class NatMessages {
  private static final int SUBSYSTEM = 10;
  static final int NEWTABLE = SUBSYSTEM << 8;
  private static final int GETTABLE = SUBSYSTEM << 8 | 1;
  private static final int DELTABLE = SUBSYSTEM << 8 | 2;
  static final int NEWCHAIN = SUBSYSTEM << 8 | 3;
  private static final int GETCHAIN = SUBSYSTEM << 8 | 4;
  static final int NEWRULE = SUBSYSTEM << 8 | 6;
  private static final int GETRULE = SUBSYSTEM << 8 | 7;

  /** NFNL_MSG_BATCH_BEGIN and _END (linux/netfilter/nfnetlink.h). */
  private static final int BATCH_BEGIN = 16;

  private static final int BATCH_END = 17;

  /** NFPROTO_INET (linux/netfilter.h): packets of both families. */
  private static final int FAMILY = 1;

  static final String CHAIN = "leaving";
  private static final int POSTROUTING = 4;
  private static final int ACCEPT = 1;

  /**
   * Behind all that translate at the usual place (NF_IP_PRI_NAT_SRC, 100): what somebody else has
   * translated is never translated again.
   */
  private static final int PRIORITY = 110;

  static final int TABLE_NAME = 1;
  static final int TABLE_FLAGS = 2;
  static final int TABLE_HANDLE = 4;
  static final int TABLE_USERDATA = 6;
  private static final int CHAIN_TABLE = 1;
  private static final int CHAIN_NAME = 3;
  static final int CHAIN_HOOK = 4;
  static final int CHAIN_POLICY = 5;
  private static final int CHAIN_TYPE = 7;
  static final int HOOK_NUMBER = 1;
  static final int HOOK_PRIORITY = 2;
  private static final int RULE_TABLE = 1;
  private static final int RULE_CHAIN = 2;
  private static final int RULE_EXPRESSIONS = 4;
  static final int RULE_USERDATA = 7;

  /** What nft(8) shows as a comment: a type (0), the length, the text with its closing zero. */
  private static final int COMMENT_HEADER_BYTES = 2;

  private NatMessages() {}

  static NetlinkRequest begin() {
    return request(batch(BATCH_BEGIN), "nftables", "NFNL_MSG_BATCH_BEGIN");
  }

  static NetlinkRequest end() {
    return request(batch(BATCH_END), "nftables", "NFNL_MSG_BATCH_END");
  }

  /** The subsystem's number stands in network order. */
  private static NetlinkMessage batch(int type) {
    return new NetlinkMessage(type, 0).u8(0).u8(0).u8(0).u8(SUBSYSTEM);
  }

  /** One that must not be there yet. */
  static NetlinkRequest createTable(String name, String comment) {
    NetlinkMessage message = message(NEWTABLE, NetlinkMessage.EXCL).textZ(TABLE_NAME, name);
    message.attributeBe32(TABLE_FLAGS, 0).attribute(TABLE_USERDATA, userdata(comment));
    return request(message, target(name), "NFT_MSG_NEWTABLE");
  }

  /**
   * That very table, and no other that has its name by now.
   *
   * @param handle as the kernel told it
   * @param flags ACK, or none
   */
  static NetlinkRequest deleteTable(String name, byte[] handle, int flags) {
    NetlinkMessage message = message(DELTABLE, flags).attribute(TABLE_HANDLE, handle);
    return request(message, target(name), "NFT_MSG_DELTABLE");
  }

  /** What leaves the host passes it with its connection's first packet. */
  static NetlinkRequest createChain(String table) {
    NetlinkMessage message =
        message(NEWCHAIN, NetlinkMessage.CREATE)
            .textZ(CHAIN_TABLE, table)
            .textZ(CHAIN_NAME, CHAIN)
            .textZ(CHAIN_TYPE, "nat")
            .attributeBe32(CHAIN_POLICY, ACCEPT);
    message.nest(
        CHAIN_HOOK | NetlinkMessage.NESTED,
        () ->
            message.attributeBe32(HOOK_NUMBER, POSTROUTING).attributeBe32(HOOK_PRIORITY, PRIORITY));
    return request(message, target(table), "NFT_MSG_NEWCHAIN");
  }

  /**
   * Behind those that are there.
   *
   * @param flags ACK, or none
   */
  static NetlinkRequest appendRule(String table, NatRule rule, int flags) {
    NetlinkMessage message =
        message(NEWRULE, NetlinkMessage.CREATE | NetlinkMessage.APPEND | flags)
            .textZ(RULE_TABLE, table)
            .textZ(RULE_CHAIN, CHAIN);
    message.nest(RULE_EXPRESSIONS | NetlinkMessage.NESTED, () -> write(rule, message));
    message.attribute(RULE_USERDATA, userdata(rule.comment()));
    return request(message, target(table), "NFT_MSG_NEWRULE");
  }

  private static void write(NatRule rule, NetlinkMessage message) {
    NfExpressions expressions = new NfExpressions(message);
    rule.device().ifPresent(expressions::leavesBy);
    rule.source().ifPresent(from -> expressions.family(from.address()).source(from));
    rule.destination().ifPresent(expressions::destination);
    if (rule.masquerade()) {
      expressions.masquerade();
    } else {
      expressions.leaveAlone();
    }
  }

  static NetlinkRequest getTable(String name) {
    NetlinkMessage message = message(GETTABLE, NetlinkMessage.ACK).textZ(TABLE_NAME, name);
    return request(message, target(name), "NFT_MSG_GETTABLE");
  }

  static NetlinkRequest getChain(String table) {
    NetlinkMessage message =
        message(GETCHAIN, NetlinkMessage.ACK).textZ(CHAIN_TABLE, table).textZ(CHAIN_NAME, CHAIN);
    return request(message, target(table), "NFT_MSG_GETCHAIN");
  }

  static NetlinkRequest dumpRules(String table) {
    NetlinkMessage message =
        message(GETRULE, NetlinkMessage.DUMP).textZ(RULE_TABLE, table).textZ(RULE_CHAIN, CHAIN);
    return request(message, target(table), "NFT_MSG_GETRULE");
  }

  /** Whether a chain is the one that {@link #createChain} makes. */
  static boolean isOurChain(NetlinkAttributes chain) {
    NetlinkAttributes hook = chain.nested(CHAIN_HOOK);
    return number(hook, HOOK_NUMBER) == POSTROUTING
        && number(hook, HOOK_PRIORITY) == PRIORITY
        && number(chain, CHAIN_POLICY) == ACCEPT;
  }

  static int number(NetlinkAttributes attributes, int type) {
    byte[] bytes = attributes.bytes(type);
    return bytes.length == Integer.BYTES ? ByteBuffer.wrap(bytes).getInt() : -1;
  }

  private static byte[] userdata(String comment) {
    byte[] text = comment.getBytes(StandardCharsets.UTF_8);
    byte[] bytes = new byte[COMMENT_HEADER_BYTES + text.length + 1];
    bytes[1] = (byte) (text.length + 1);
    System.arraycopy(text, 0, bytes, COMMENT_HEADER_BYTES, text.length);
    return bytes;
  }

  /** Empty where it begins with something else. */
  static String comment(byte[] userdata) {
    if (userdata.length < COMMENT_HEADER_BYTES + 1 || userdata[0] != 0) {
      return "";
    }
    int end = Math.min(userdata.length, COMMENT_HEADER_BYTES + (userdata[1] & 0xff)) - 1;
    return new String(
        Arrays.copyOfRange(userdata, COMMENT_HEADER_BYTES, Math.max(COMMENT_HEADER_BYTES, end)),
        StandardCharsets.UTF_8);
  }

  private static NetlinkMessage message(int type, int flags) {
    return new NetlinkMessage(type, flags).u8(FAMILY).u8(0).u16(0);
  }

  private static NetlinkRequest request(NetlinkMessage message, String target, String call) {
    return new NetlinkRequest(message, target, call);
  }

  private static String target(String table) {
    return "table inet " + table + " of nftables";
  }
}
