// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Masquerade;
import dev.culvert.kernel.netlink.NatRule;
import java.util.ArrayList;
import java.util.List;

/** What a {@link Masquerade} means for packets that leave this host, rule by rule. Pure. */
final class MasqueradeRules {
  /** What is for many stays as it is (RFC 5771, RFC 4291 section 2.7). */
  private static final List<IpPrefix> MULTICAST =
      List.of(IpPrefix.parse("224.0.0.0/4"), IpPrefix.parse("ff00::/8"));

  private MasqueradeRules() {}

  /**
   * @param networks whole, so that containers of all hosts are spared
   */
  static List<NatRule> of(Masquerade wish, List<IpPrefix> networks) {
    List<NatRule> rules = new ArrayList<>();
    // The host itself, from its overlay address to another of its own.
    rules.add(NatRule.spareDevice("lo"));
    for (IpPrefix network : networks) {
      NatRule.Prefix from = prefix(network);
      rules.add(NatRule.spare(from, from));
      for (IpPrefix to : ofFamily(MULTICAST, network.family())) {
        rules.add(NatRule.spare(from, prefix(to)));
      }
      for (IpPrefix to : ofFamily(wish.except(), network.family())) {
        rules.add(NatRule.spare(from, prefix(to)));
      }
      rules.add(NatRule.masquerade(from));
    }
    return List.copyOf(rules);
  }

  private static List<IpPrefix> ofFamily(List<IpPrefix> prefixes, IpFamily family) {
    return prefixes.stream().filter(prefix -> prefix.family() == family).toList();
  }

  private static NatRule.Prefix prefix(IpPrefix prefix) {
    return new NatRule.Prefix(prefix.address(), prefix.length());
  }
}
