// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The host's firewall as nf_tables has it (linux/netfilter/nf_tables.h), read by netlink in the
 * calling thread's network namespace; iptables-nft's rules are there too, those of legacy iptables
 * are not. Looks only at chains that the kernel itself enters, and says what drops a tunnel's
 * packets as far as it can be told from ports, policies and device names.
 */
public final class NfTables {
  private static final int NETLINK_NETFILTER = 12;
  private static final int SUBSYSTEM = 10 << 8;
  private static final int NEWCHAIN = SUBSYSTEM | 3;
  private static final int GETCHAIN = SUBSYSTEM | 4;
  private static final int NEWRULE = SUBSYSTEM | 6;
  private static final int GETRULE = SUBSYSTEM | 7;

  /** struct nfgenmsg: family, version, resource (2). */
  private static final int HEADER_BYTES = 4;

  /** Of linux/netfilter.h: chains at the ingress and egress of single devices. */
  private static final int NFPROTO_NETDEV = 5;

  private static final int CHAIN_TABLE = 1;
  private static final int CHAIN_NAME = 3;
  private static final int CHAIN_HOOK = 4;
  private static final int CHAIN_POLICY = 5;
  private static final int HOOK_NUMBER = 1;
  private static final int RULE_TABLE = 1;
  private static final int RULE_CHAIN = 2;
  private static final int RULE_EXPRESSIONS = 4;
  private static final int LIST_ELEMENT = 1;
  private static final int EXPRESSION_NAME = 1;
  private static final int EXPRESSION_DATA = 2;
  private static final int PAYLOAD_BASE = 2;
  private static final int PAYLOAD_OFFSET = 3;
  private static final int PAYLOAD_LENGTH = 4;
  private static final int NETWORK = 1;

  // Offsets of the source address (RFC 791, RFC 8200).
  private static final int SOURCE_4 = 12;
  private static final int SOURCE_6 = 8;

  private static final int TRANSPORT = 2;
  private static final int DESTINATION_PORT = 2;
  private static final int COMPARE_OPERATOR = 2;
  private static final int COMPARE_DATA = 3;
  private static final int DATA_VALUE = 1;
  private static final int IMMEDIATE_DATA = 2;
  private static final int DATA_VERDICT = 2;
  private static final int VERDICT_CODE = 1;

  private static final int BITWISE_MASK = 4;

  // nfgenmsg's family of chains that see one IP family alone (linux/netfilter.h).
  private static final int NFPROTO_IPV4 = 2;
  private static final int NFPROTO_IPV6 = 10;

  private static final int DROP = 0;
  private static final int ACCEPT = 1;

  /** NF_INET_LOCAL_IN and NF_INET_FORWARD of linux/netfilter.h. */
  private enum Hook {
    INPUT(1),
    FORWARD(2);

    private final int number;

    Hook(int number) {
      this.number = number;
    }
  }

  /** A chain that packets enter at a hook. */
  private record Chain(int family, String table, String name, int hook, boolean drops) {
    String text() {
      return switch (family) {
            case 1 -> "inet ";
            case 2 -> "ip ";
            case 10 -> "ip6 ";
            default -> "";
          }
          + table
          + " "
          + name;
    }
  }

  /** What of a rule matters here. */
  private record Rule(
      boolean aboutPort,
      boolean aboutDevice,
      boolean aboutSource,
      boolean accepts,
      boolean drops) {}

  /**
   * What is looked for in rules.
   *
   * @param port of the tunnel
   * @param device the tunnel's
   * @param leaving the networks whose packets leave the host as its own; none without masquerade
   */
  public record Wanted(int port, InterfaceName device, List<NatRule.Prefix> leaving) {}

  private final NetlinkSocket socket;

  private NfTables(NetlinkSocket socket) {
    this.socket = socket;
  }

  /**
   * What drops packets of a tunnel here.
   *
   * @param libc the way to the kernel
   * @param wanted what must get through
   * @return one sentence for each chain and purpose; none where the kernel does not tell
   */
  public static List<String> dropsOf(Libc libc, Wanted wanted) {
    try (NetlinkSocket socket = NetlinkSocket.open(libc, NETLINK_NETFILTER, 0, 0)) {
      return new NfTables(socket).drops(wanted);
    } catch (KernelException unknown) { // no nf_tables, or no privilege
      return List.of();
    }
  }

  /**
   * The chains of a table of family netdev, by name.
   *
   * @param libc the way to the kernel
   * @return none where there is no such table, or the kernel does not tell
   */
  public static Set<String> chainsOf(Libc libc, String table) {
    try (NetlinkSocket socket = NetlinkSocket.open(libc, NETLINK_NETFILTER, 0, 0)) {
      return new NfTables(socket)
          .dumpChains(NFPROTO_NETDEV)
          .map(reply -> reply.attributes(HEADER_BYTES))
          .filter(chain -> chain.text(CHAIN_TABLE).equals(table))
          .map(chain -> chain.text(CHAIN_NAME))
          .collect(Collectors.toSet());
    } catch (KernelException unknown) { // no nf_tables, or no privilege
      return Set.of();
    }
  }

  private List<String> drops(Wanted wanted) {
    List<String> told = new ArrayList<>();
    for (Chain chain : chains()) {
      if (chain.hook() == Hook.FORWARD.number) {
        forward(chain, rules(chain, wanted, List.of()), wanted.device().text())
            .ifPresent(told::add);
        for (NatRule.Prefix network : wanted.leaving()) {
          if (sees(chain, network)) {
            leaving(chain, rules(chain, wanted, List.of(network)), network).ifPresent(told::add);
          }
        }
      } else if (chain.hook() == Hook.INPUT.number) {
        input(chain, rules(chain, wanted, List.of()), wanted.port()).ifPresent(told::add);
      }
    }
    return told;
  }

  private static boolean sees(Chain chain, NatRule.Prefix network) {
    boolean ipv4 = network.address().getAddress().length == Integer.BYTES;
    return chain.family() != (ipv4 ? NFPROTO_IPV6 : NFPROTO_IPV4);
  }

  private static Optional<String> leaving(Chain chain, List<Rule> rules, NatRule.Prefix network) {
    if (!chain.drops() || rules.stream().anyMatch(rule -> rule.aboutSource() && rule.accepts())) {
      return Optional.empty();
    }
    String ip = network.address().getAddress().length == Integer.BYTES ? "ip" : "ip6";
    return Optional.of(
        "The firewall's chain %s (hook forward) drops what no rule of it accepts, and none names %s: what containers send to the outside is lost. Let it through, and its answers: nft insert rule %s %s saddr %s accept; nft insert rule %s %s daddr %s ct state established,related accept"
            .formatted(
                chain.text(), network, chain.text(), ip, network, chain.text(), ip, network));
  }

  private static Optional<String> forward(Chain chain, List<Rule> rules, String device) {
    boolean letThrough = rules.stream().anyMatch(rule -> rule.aboutDevice() && rule.accepts());
    if (!chain.drops() || letThrough) {
      return Optional.empty();
    }
    return Optional.of(
        "The firewall's chain %s (hook forward) drops what no rule of it accepts, and none names %s: packets of the overlay that the kernel forwards are lost, which are those that it translates or has to cut, and, with \"datapath: userspace\" and without nft, all. Let them through: nft insert rule %s iifname %s accept; nft insert rule %s oifname %s accept"
            .formatted(chain.text(), device, chain.text(), device, chain.text(), device));
  }

  private static Optional<String> input(Chain chain, List<Rule> rules, int port) {
    Optional<Rule> first = rules.stream().filter(Rule::aboutPort).findFirst();
    if (first.filter(Rule::drops).isPresent()) {
      return Optional.of(
          "A rule of the firewall's chain %s (hook input) drops UDP to port %d: tunnel packets that the programs leave to the kernel are lost. Remove it (nft -a list chain %s)"
              .formatted(chain.text(), port, chain.text()));
    }
    if (chain.drops() && first.filter(Rule::accepts).isEmpty()) {
      return Optional.of(
          "The firewall's chain %s (hook input) drops what no rule of it accepts, and none names UDP port %d: tunnel packets that the programs leave to the kernel are lost. Let them in: nft insert rule %s udp dport %d accept"
              .formatted(chain.text(), port, chain.text(), port));
    }
    return Optional.empty();
  }

  private List<Chain> chains() {
    return dumpChains(0)
        .filter(reply -> reply.attributes(HEADER_BYTES).has(CHAIN_HOOK))
        .filter(reply -> reply.u8(0) != NFPROTO_NETDEV) // their hooks have other numbers
        .map(NfTables::chain)
        .toList();
  }

  private static Chain chain(NetlinkReply reply) {
    NetlinkAttributes attributes = reply.attributes(HEADER_BYTES);
    return new Chain(
        reply.u8(0),
        attributes.text(CHAIN_TABLE),
        attributes.text(CHAIN_NAME),
        bigEndian(attributes.nested(CHAIN_HOOK), HOOK_NUMBER, -1),
        bigEndian(attributes, CHAIN_POLICY, ACCEPT) == DROP);
  }

  /** Of all families where that is 0. */
  private Stream<NetlinkReply> dumpChains(int family) {
    NetlinkMessage dump = header(new NetlinkMessage(GETCHAIN, NetlinkMessage.DUMP), family);
    return socket
        .dump(new NetlinkRequest(dump, "the firewall's chains", "NFT_MSG_GETCHAIN"))
        .stream()
        .filter(reply -> reply.type() == NEWCHAIN);
  }

  private List<Rule> rules(Chain chain, Wanted wanted, List<NatRule.Prefix> source) {
    NetlinkMessage dump = header(new NetlinkMessage(GETRULE, NetlinkMessage.DUMP), chain.family());
    dump.textZ(RULE_TABLE, chain.table()).textZ(RULE_CHAIN, chain.name());
    List<Rule> all = new ArrayList<>();
    for (NetlinkReply reply :
        socket.dump(new NetlinkRequest(dump, "the firewall's rules", "NFT_MSG_GETRULE"))) {
      NetlinkAttributes attributes = reply.attributes(HEADER_BYTES);
      if (reply.type() == NEWRULE
          && attributes.text(RULE_TABLE).equals(chain.table())
          && attributes.text(RULE_CHAIN).equals(chain.name())) {
        attributes.value(RULE_EXPRESSIONS).ifPresent(list -> all.add(rule(list, wanted, source)));
      }
    }
    return all;
  }

  private static Rule rule(ByteBuffer list, Wanted wanted, List<NatRule.Prefix> source) {
    boolean toPort = false;
    boolean aboutPort = false;
    boolean aboutDevice = false;
    boolean aboutSource = false;
    int verdict = -1;
    boolean rejects = false;
    int sourceBytes = 0; // how much of a packet's source is in the register
    int maskBits = 0;
    for (NetlinkAttributes expression : elements(list)) {
      NetlinkAttributes data = expression.nested(EXPRESSION_DATA);
      switch (expression.text(EXPRESSION_NAME)) {
        case "payload" -> {
          toPort =
              bigEndian(data, PAYLOAD_BASE, -1) == TRANSPORT
                  && bigEndian(data, PAYLOAD_OFFSET, -1) == DESTINATION_PORT;
          sourceBytes = isSource(data) ? bigEndian(data, PAYLOAD_LENGTH, 0) : 0;
          maskBits = sourceBytes * Byte.SIZE;
        }
        case "bitwise" -> maskBits = ones(data.nested(BITWISE_MASK).bytes(DATA_VALUE));
        case "cmp" -> {
          byte[] value = data.nested(COMPARE_DATA).bytes(DATA_VALUE);
          boolean equal = bigEndian(data, COMPARE_OPERATOR, -1) == 0;
          int bits = maskBits;
          aboutPort |= equal && toPort && isPort(value, wanted.port());
          aboutDevice |= equal && isDevice(value, wanted.device().text());
          aboutSource |=
              equal
                  && value.length == sourceBytes
                  && source.stream().anyMatch(network -> shareAddresses(network, value, bits));
        }
        case "immediate" ->
            verdict = bigEndian(data.nested(IMMEDIATE_DATA).nested(DATA_VERDICT), VERDICT_CODE, -1);
        case "reject" -> rejects = true;
        default -> {}
      }
    }
    return new Rule(
        aboutPort, aboutDevice, aboutSource, verdict == ACCEPT, rejects || verdict == DROP);
  }

  /** Where the source stands in either family's header; in the other there is nothing of that. */
  private static boolean isSource(NetlinkAttributes payload) {
    int offset = bigEndian(payload, PAYLOAD_OFFSET, -1);
    return bigEndian(payload, PAYLOAD_BASE, -1) == NETWORK
        && (offset == SOURCE_4 || offset == SOURCE_6);
  }

  private static int ones(byte[] mask) {
    return new BigInteger(1, mask).bitCount();
  }

  /** Whether one of two prefixes is within the other, of which one may be cut off. */
  private static boolean shareAddresses(NatRule.Prefix network, byte[] value, int bits) {
    byte[] address = network.address().getAddress();
    int common = Math.min(network.length(), bits);
    for (int bit = 0; bit < common; bit++) {
      int mask = 0x80 >>> bit % Byte.SIZE;
      if (((address[bit / Byte.SIZE] ^ value[bit / Byte.SIZE]) & mask) != 0) {
        return false;
      }
    }
    return common > 0 && value.length <= address.length;
  }

  private static boolean isPort(byte[] value, int port) {
    return value.length == 2 && ByteBuffer.wrap(value).getShort() == (short) port;
  }

  /** Whole, with a closing zero and more, or its beginning (culvert*). */
  private static boolean isDevice(byte[] value, String device) {
    String text = new String(value, StandardCharsets.UTF_8);
    int end = text.indexOf(0);
    String name = end < 0 ? text : text.substring(0, end);
    return end < 0 ? name.length() > 2 && device.startsWith(name) : name.equals(device);
  }

  private static List<NetlinkAttributes> elements(ByteBuffer list) {
    List<NetlinkAttributes> all = new ArrayList<>();
    int at = 0;
    while (list.limit() - at >= HEADER_BYTES) {
      int length = list.order(ByteOrder.nativeOrder()).getShort(at) & 0xffff;
      if (length < HEADER_BYTES || length > list.limit() - at) {
        throw NetlinkReply.malformed("an expression claims " + length + " bytes");
      }
      all.add(
          NetlinkAttributes.parse(NetlinkReply.slice(list, at, length), 0).nested(LIST_ELEMENT));
      at += NetlinkMessage.align(length);
    }
    return all;
  }

  private static int bigEndian(NetlinkAttributes attributes, int type, int otherwise) {
    byte[] bytes = attributes.bytes(type);
    return bytes.length == Integer.BYTES ? ByteBuffer.wrap(bytes).getInt() : otherwise;
  }

  private static NetlinkMessage header(NetlinkMessage message, int family) {
    return message.u8(family).u8(0).u16(0);
  }
}
