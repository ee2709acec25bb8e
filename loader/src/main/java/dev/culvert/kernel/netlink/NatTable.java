// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Tables of nf_tables with one chain, which translates the sources of what leaves the host: of
 * family inet, in the network namespace of the thread that opens it. Each change is one transaction
 * of the kernel's: all of it or nothing, and no packet meets half of it.
 */
public final class NatTable implements AutoCloseable {
  private static final int NETLINK_NETFILTER = 12;
  private static final int HEADER_BYTES = 4;

  /** NFT_TABLE_F_DORMANT. */
  private static final int DORMANT = 1;

  private static final String TRIAL = "culvert-trial";

  private final NetlinkSocket socket;

  private NatTable(NetlinkSocket socket) {
    this.socket = socket;
  }

  /**
   * A table as the kernel has it.
   *
   * @param comment says whose it is; empty where it has none
   * @param handle tells it from any other of its name
   * @param dormant whether its chains do nothing for now
   */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  public record Present(String name, String comment, byte[] handle, boolean dormant) {}

  /**
   * @throws KernelException where the kernel has no netlink for netfilter
   */
  public static NatTable open(Libc libc) {
    return new NatTable(NetlinkSocket.open(libc, NETLINK_NETFILTER, 0, 0));
  }

  /** The table of that name, whoever made it. */
  public Optional<Present> find(String name) {
    return one(NatMessages.getTable(name), NatMessages.NEWTABLE)
        .map(table ->
            new Present(
                name,
                comment(table, NatMessages.TABLE_USERDATA),
                table.bytes(NatMessages.TABLE_HANDLE),
                (NatMessages.number(table, NatMessages.TABLE_FLAGS) & DORMANT) != 0));
  }

  /** Whether a table's chain and rules are those that {@link #replace} would make, and at work. */
  public boolean isAs(Present table, List<NatRule> rules) {
    return !table.dormant()
        && one(NatMessages.getChain(table.name()), NatMessages.NEWCHAIN)
            .filter(NatMessages::isOurChain)
            .isPresent()
        && comments(table.name()).equals(rules.stream().map(NatRule::comment).toList());
  }

  private List<String> comments(String table) {
    return socket.dump(NatMessages.dumpRules(table)).stream()
        .filter(reply -> reply.type() == NatMessages.NEWRULE)
        .map(reply -> comment(reply.attributes(HEADER_BYTES), NatMessages.RULE_USERDATA))
        .toList();
  }

  private Optional<NetlinkAttributes> one(NetlinkRequest request, int type) {
    try {
      return socket.query(request).stream()
          .filter(reply -> reply.type() == type)
          .findFirst()
          .map(reply -> reply.attributes(HEADER_BYTES));
    } catch (KernelException refused) {
      if (refused.errno() == Errno.ENOENT) {
        return Optional.empty();
      }
      throw refused;
    }
  }

  private static String comment(NetlinkAttributes attributes, int type) {
    return NatMessages.comment(attributes.bytes(type));
  }

  /**
   * Makes a table, in the place of one that is there, if that is given.
   *
   * @param before what {@link #find} gave
   * @param comment 200 bytes at most
   * @param rules at least one
   * @throws KernelException EEXIST when somebody else has made one of that name, ENOENT when the
   *     one before is gone, or where the kernel lacks a part: nothing has changed
   */
  public void replace(Optional<Present> before, String name, String comment, List<NatRule> rules) {
    List<NetlinkRequest> all = new ArrayList<>();
    all.add(NatMessages.begin());
    before.ifPresent(old -> all.add(NatMessages.deleteTable(old.name(), old.handle(), 0)));
    all.addAll(table(name, comment, rules));
    all.add(NatMessages.end());
    socket.transact(all);
  }

  private static List<NetlinkRequest> table(String name, String comment, List<NatRule> rules) {
    List<NetlinkRequest> all = new ArrayList<>();
    all.add(NatMessages.createTable(name, comment));
    all.add(NatMessages.createChain(name));
    for (NatRule rule : rules) {
      boolean last = all.size() == rules.size() + 1;
      all.add(NatMessages.appendRule(name, rule, last ? NetlinkMessage.ACK : 0));
    }
    return all;
  }

  /**
   * Has the kernel look whether it could: what has no end is not carried out.
   *
   * @throws KernelException where it could not
   */
  public void tryOut(List<NatRule> rules) {
    List<NetlinkRequest> all = new ArrayList<>();
    all.add(NatMessages.begin());
    all.addAll(table(TRIAL, TRIAL, rules));
    socket.transact(all);
  }

  /** Removes that very table; one that is gone is no error. */
  public void remove(Present table) {
    try {
      socket.transact(
          List.of(
              NatMessages.begin(),
              NatMessages.deleteTable(table.name(), table.handle(), NetlinkMessage.ACK),
              NatMessages.end()));
    } catch (KernelException refused) {
      if (refused.errno() != Errno.ENOENT) {
        throw refused;
      }
    }
  }

  @Override
  public void close() {
    socket.close();
  }
}
