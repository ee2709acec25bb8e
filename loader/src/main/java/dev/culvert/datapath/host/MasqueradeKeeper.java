// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Masquerade;
import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.netlink.NatRule;
import dev.culvert.kernel.netlink.NatTable;
import dev.culvert.kernel.netlink.Netlink;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Keeps the table {@code inet culvert0} of nf_tables as a {@link Masquerade} wants it, or away. It
 * works without us, also while no process of ours lives. Its comment says that it is ours; one of
 * that name without it is somebody else's and left alone. Owned by one thread.
 */
public final class MasqueradeKeeper {
  private static final System.Logger LOG = System.getLogger(MasqueradeKeeper.class.getName());

  /** After the device of the host's own. */
  private static final String TABLE = HostDevice.NAME.text();

  private final Libc libc;
  private final Netlink netlink;
  private final WayBack wayBack;
  private final String comment;
  private final Optional<Masquerade> wish;

  /** Whether a table that is not wished for was looked for and taken away. */
  private boolean cleared;

  /** Whether there was one, so that another is a repair. */
  private boolean made;

  /**
   * @param netlink of the host's namespace; stays open as long as this is used
   * @param wish empty for none
   */
  public MasqueradeKeeper(
      Libc libc, Netlink netlink, Ownership ownership, Optional<Masquerade> wish) {
    this.libc = libc;
    this.netlink = netlink;
    this.wayBack = new WayBack(netlink);
    this.comment = ownership.alias(TABLE);
    this.wish = wish;
  }

  /**
   * Makes it as it should be, in one transaction, unless it is.
   *
   * @param networks of the overlay
   * @return a sentence for each thing that keeps what leaves the overlay from being answered
   */
  public List<String> keep(List<IpPrefix> networks) {
    if (wish.isEmpty()) {
      if (!cleared) {
        remove();
      }
      return List.of();
    }
    List<NatRule> rules = MasqueradeRules.of(wish.get(), networks);
    List<String> told = new ArrayList<>(wayBack.losses(networks));
    try {
      told.addAll(netlink.namespace().run(() -> keepHere(rules)));
    } catch (KernelException refused) {
      told.add(refusal(refused));
    }
    return told;
  }

  private List<String> keepHere(List<NatRule> rules) {
    try (NatTable tables = NatTable.open(libc)) {
      Optional<NatTable.Present> present = tables.find(TABLE);
      if (present.filter(table -> !isOurs(table)).isPresent()) {
        return List.of(
            "There is a table inet "
                + TABLE
                + " of nftables that the agent did not make, so what containers send to the outside"
                + " is not masqueraded: rename or remove it (nft delete table inet "
                + TABLE
                + ").");
      }
      if (present.filter(table -> tables.isAs(table, rules)).isEmpty()) {
        tables.replace(present, TABLE, comment, rules);
        if (made) {
          LOG.log(
              Level.INFO, "The rules of masquerade were not as they should be; they are again.");
        }
      }
      made = true;
      return List.of();
    }
  }

  private boolean isOurs(NatTable.Present table) {
    return table.comment().equals(comment);
  }

  /** One sentence, for people. */
  static String refusal(KernelException refused) {
    return "What containers send to the outside is not masqueraded, and not answered: the kernel"
        + " refuses the rules ("
        + refused.getMessage()
        + "); it needs nf_tables with NAT for both IP families (CONFIG_NF_TABLES_INET, CONFIG_NFT_NAT,"
        + " CONFIG_NFT_MASQ).";
  }

  /**
   * What would keep it from working in the calling thread's namespace; the kernel is asked whether
   * it would take the rules, and does not.
   *
   * @return a sentence for each thing
   */
  public static List<String> tryOut(Libc libc, Masquerade wish, List<IpPrefix> networks) {
    List<String> told = new ArrayList<>();
    try (Netlink netlink = Netlink.open(libc);
        NatTable tables = NatTable.open(libc)) {
      told.addAll(new WayBack(netlink).losses(networks));
      tables.tryOut(MasqueradeRules.of(wish, networks));
    } catch (KernelException refused) {
      told.add(refusal(refused));
    }
    return told;
  }

  /** Removes it; nothing where it is not there, or not ours. */
  public void remove() {
    try {
      Optional<NatTable.Present> removed = netlink.namespace().run(this::removeHere);
      removed.ifPresent(table -> LOG.log(Level.DEBUG, "Removed the table inet {0}.", table.name()));
      cleared = true;
      made = false;
    } catch (KernelException refused) {
      cleared = !hasTables(refused);
      if (!cleared) {
        LOG.log(
            Level.WARNING,
            "The table inet {0} of nftables is left: {1}",
            TABLE,
            refused.getMessage());
      }
    }
  }

  private Optional<NatTable.Present> removeHere() {
    try (NatTable tables = NatTable.open(libc)) {
      Optional<NatTable.Present> ours = tables.find(TABLE).filter(this::isOurs);
      ours.ifPresent(tables::remove);
      return ours;
    }
  }

  /** Where the kernel has no nf_tables, there is none of ours either. */
  private static boolean hasTables(KernelException refused) {
    return !refused.call().equals("socket") && refused.errno() != Errno.EINVAL;
  }
}
