// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Vni;
import dev.culvert.kernel.IpAddresses;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * What a person should look at among the leases of a network, as far as they tell by themselves:
 * for whoever looks into a store without being a host of the network. Pure. Overlaps and entries
 * that make no sense are {@link LeaseStore#problems()}, which names the file or key.
 */
public final class LeaseAudit {
  private LeaseAudit() {}

  /**
   * {@return one sentence each, empty where all is well}
   *
   * @param networks as hosts are configured
   * @param vni leases of others are not looked at
   * @param all that the store holds
   * @param now by this machine's clock
   */
  public static List<String> find(
      List<OverlayConfig.Network> networks, Vni vni, Collection<Lease> all, Instant now) {
    Objects.requireNonNull(networks, "networks");
    Objects.requireNonNull(vni, "vni");
    Objects.requireNonNull(all, "all");
    Objects.requireNonNull(now, "now");
    List<Lease> leases = all.stream().filter(lease -> lease.subnet().vni().equals(vni)).toList();
    List<String> sentences = new ArrayList<>();
    Map<String, Lease> firsts = new HashMap<>();
    for (Lease lease : leases) {
      outside(networks, lease).ifPresent(sentences::add);
      vtepInside(networks, lease).ifPresent(sentences::add);
      String holder = lease.host() + " " + lease.subnet().prefix().family();
      Lease first = firsts.putIfAbsent(holder, lease);
      if (first != null) {
        sentences.add(
            lease.host()
                + " has two leases of one IP family, "
                + first.subnet()
                + " and "
                + lease.subnet()
                + ", and uses one; release the other.");
      }
      aheadOf(lease, now).ifPresent(sentences::add);
    }
    sentences.addAll(SharedVteps.find(leases));
    return List.copyOf(sentences);
  }

  private static Optional<String> outside(List<OverlayConfig.Network> networks, Lease lease) {
    IpPrefix subnet = lease.subnet().prefix();
    Optional<IpPrefix> network =
        networks.stream()
            .map(OverlayConfig.Network::prefix)
            .filter(prefix -> prefix.family() == subnet.family())
            .findFirst();
    if (network.filter(prefix -> Prefixes.contains(prefix, subnet)).isPresent()) {
      return Optional.empty();
    }
    return Optional.of(
        "The lease of "
            + lease
            + " is outside the network"
            + network
                .map(prefix -> " " + prefix)
                .orElse(", which has no " + name(subnet.family()) + " prefix")
            + ", so that no host follows it; release it.");
  }

  private static String name(IpFamily family) {
    return family == IpFamily.IPV4 ? "IPv4" : "IPv6";
  }

  private static Optional<String> vtepInside(List<OverlayConfig.Network> networks, Lease lease) {
    return networks.stream()
        .map(OverlayConfig.Network::prefix)
        .filter(prefix -> prefix.contains(lease.vtep().address()))
        .findFirst()
        .map(prefix ->
            "The lease of "
                + lease
                + " names a VTEP inside the network, "
                + IpAddresses.text(lease.vtep().address())
                + ", so that no host follows it; give that host an underlay address outside "
                + prefix
                + ".");
  }

  /** Nobody renews in the future; how far a clock is behind, a lease alone does not tell. */
  private static Optional<String> aheadOf(Lease lease, Instant now) {
    return lease
        .term()
        .flatMap(Lease.Term::renewed)
        .map(renewed -> Duration.between(now, renewed))
        .filter(ahead -> ahead.compareTo(ClockDifferences.TOLERANCE) > 0)
        .map(ahead ->
            "The clock of "
                + lease.host()
                + " was "
                + ClockDifferences.text(ahead)
                + " ahead of this machine's when it renewed "
                + lease.subnet()
                + "; set the one that is wrong, by a time service best.");
  }
}
