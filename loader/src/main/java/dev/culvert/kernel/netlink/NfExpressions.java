// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Writes what a rule of nf_tables looks for and does (linux/netfilter/nf_tables.h), as nft(8)
 * would: each expression loads something into the one register that is used, compares it, or ends
 * the rule.
 */
final class NfExpressions {
  private static final int ELEMENT = 1;
  private static final int NAME = 1;
  private static final int DATA = 2;
  private static final int VALUE = 1;

  /** NFT_REG_VERDICT and NFT_REG_1: 16 bytes. */
  private static final int VERDICT_REGISTER = 0;

  private static final int REGISTER = 1;

  private static final int META_OIFNAME = 7;
  private static final int META_NFPROTO = 15;
  private static final int NETWORK_HEADER = 1;
  private static final int RETURN = -5;

  /** NF_NAT_RANGE_PROTO_RANDOM_FULLY (linux/netfilter/nf_nat.h). */
  private static final int FULLY_RANDOM = 0x10;

  /** IFNAMSIZ (linux/if.h), filled up with zeros. */
  private static final int NAME_BYTES = 16;

  // NFPROTO_IPV4 and NFPROTO_IPV6 (linux/netfilter.h)
  private static final byte IPV4 = 2;
  private static final byte IPV6 = 10;

  // Where the addresses stand in the headers (RFC 791, RFC 8200).
  private static final int SOURCE_4 = 12;
  private static final int DESTINATION_4 = 16;
  private static final int SOURCE_6 = 8;
  private static final int DESTINATION_6 = 24;

  private final NetlinkMessage message;

  /**
   * @param message to which they are appended, within its list of expressions
   */
  NfExpressions(NetlinkMessage message) {
    this.message = message;
  }

  /** The packet leaves by that interface. */
  NfExpressions leavesBy(String interfaceName) {
    meta(META_OIFNAME);
    return equal(Arrays.copyOf(interfaceName.getBytes(StandardCharsets.UTF_8), NAME_BYTES));
  }

  /** It is of that address's family. */
  NfExpressions family(InetAddress address) {
    meta(META_NFPROTO);
    return equal(new byte[] {isIpv4(address) ? IPV4 : IPV6});
  }

  /** Its source is in a prefix; its {@linkplain #family} was asked before. */
  NfExpressions source(NatRule.Prefix prefix) {
    return in(prefix, isIpv4(prefix.address()) ? SOURCE_4 : SOURCE_6);
  }

  /** Its destination is in a prefix; its {@linkplain #family} was asked before. */
  NfExpressions destination(NatRule.Prefix prefix) {
    return in(prefix, isIpv4(prefix.address()) ? DESTINATION_4 : DESTINATION_6);
  }

  /** Nothing is done with it by this chain. */
  void leaveAlone() {
    expression(
        "immediate",
        () -> {
          message.attributeBe32(1, VERDICT_REGISTER);
          message.nest(
              2 | NetlinkMessage.NESTED,
              () ->
                  message.nest(2 | NetlinkMessage.NESTED, () -> message.attributeBe32(1, RETURN)));
        });
  }

  /** It gets an address of the interface that it leaves by, and any free port. */
  void masquerade() {
    expression("masq", () -> message.attributeBe32(1, FULLY_RANDOM));
  }

  private NfExpressions in(NatRule.Prefix prefix, int offset) {
    byte[] address = prefix.address().getAddress();
    int length = prefix.length();
    if (length == 0) {
      return this;
    }
    if (length % Byte.SIZE == 0) {
      payload(offset, length / Byte.SIZE);
      return equal(Arrays.copyOf(address, length / Byte.SIZE));
    }
    payload(offset, address.length);
    mask(address.length, length);
    return equal(address);
  }

  private void meta(int key) {
    expression(
        "meta",
        () -> {
          message.attributeBe32(2, key);
          message.attributeBe32(1, REGISTER);
        });
  }

  private void payload(int offset, int bytes) {
    expression(
        "payload",
        () -> {
          message.attributeBe32(1, REGISTER);
          message.attributeBe32(2, NETWORK_HEADER);
          message.attributeBe32(3, offset);
          message.attributeBe32(4, bytes);
        });
  }

  private void mask(int bytes, int ones) {
    byte[] mask = new byte[bytes];
    for (int bit = 0; bit < ones; bit++) {
      mask[bit / Byte.SIZE] |= (byte) (0x80 >>> bit % Byte.SIZE);
    }
    expression(
        "bitwise",
        () -> {
          message.attributeBe32(1, REGISTER);
          message.attributeBe32(2, REGISTER);
          message.attributeBe32(3, bytes);
          value(4, mask);
          value(5, new byte[bytes]);
        });
  }

  private NfExpressions equal(byte[] value) {
    expression(
        "cmp",
        () -> {
          message.attributeBe32(1, REGISTER);
          message.attributeBe32(2, 0);
          value(3, value);
        });
    return this;
  }

  private void value(int attribute, byte[] value) {
    message.nest(attribute | NetlinkMessage.NESTED, () -> message.attribute(VALUE, value));
  }

  private void expression(String name, Runnable data) {
    message.nest(
        ELEMENT | NetlinkMessage.NESTED,
        () -> message.textZ(NAME, name).nest(DATA | NetlinkMessage.NESTED, data));
  }

  private static boolean isIpv4(InetAddress address) {
    return address.getAddress().length == Integer.BYTES;
  }
}
