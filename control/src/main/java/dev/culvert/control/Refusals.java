// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vtep;
import dev.culvert.kernel.IpAddresses;
import java.net.InetAddress;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Which of other hosts' leases must not become entries, and why, whoever wrote them. Only those
 * that something happened to are judged again. Pure; used by one thread.
 */
final class Refusals {
  private final List<IpPrefix> networks;
  private List<Lease> own = List.of();

  /** By subnet, the sentence that says why; as of {@link #unjudged}. */
  private final SortedMap<Subnet, String> sentences = new TreeMap<>();

  private final Set<Subnet> unjudged = new HashSet<>();

  /**
   * @param networks one for each IP family
   */
  Refusals(List<IpPrefix> networks) {
    this.networks = networks;
  }

  /** This host's own leases; until it has some, nothing is refused. */
  void setOwn(List<Lease> leases) {
    own = leases;
  }

  /** Something happened to the leases of these subnets. */
  void touch(Collection<Subnet> subnets) {
    unjudged.addAll(subnets);
  }

  /** Why a lease must not become an entry. */
  Optional<String> of(Lease lease) {
    if (own.isEmpty()) {
      return Optional.empty();
    }
    IpPrefix prefix = lease.subnet().prefix();
    InetAddress address = lease.vtep().address();
    InetAddress ownAddress = ownVtep().address();
    Optional<Subnet> overlapped = overlapped(prefix);
    String why = null;
    if (overlapped.isPresent()) {
      why = "it overlaps this host's own subnet " + overlapped.get();
    } else if (networks.stream().noneMatch(n -> Prefixes.contains(n, prefix))) {
      why = "it is outside the network " + text(networks);
    } else if (networks.stream().anyMatch(n -> n.contains(address))) {
      why = "its VTEP " + IpAddresses.text(address) + " lies inside the overlay network";
    } else if (address.equals(ownAddress)) {
      why = "its VTEP " + IpAddresses.text(address) + " is this host's own underlay address";
    } else if (IpFamily.of(address) != IpFamily.of(ownAddress)) {
      why = "its VTEP " + IpAddresses.text(address) + " is of another IP family than this host's";
    }
    return Optional.ofNullable(why)
        .map(reason -> "The lease of " + lease + " is not followed: " + reason + ".");
  }

  private Vtep ownVtep() {
    return own.getFirst().vtep();
  }

  /** The own subnet that a prefix shares addresses with. */
  Optional<Subnet> overlapped(IpPrefix prefix) {
    return own.stream()
        .map(Lease::subnet)
        .filter(subnet -> subnet.prefix().overlaps(prefix))
        .findFirst();
  }

  private static String text(List<IpPrefix> networks) {
    return networks.stream().map(IpPrefix::toString).collect(Collectors.joining(" and "));
  }

  /**
   * One for each lease that is refused.
   *
   * @param foreign another host's lease of a subnet, as it is now
   */
  List<String> sentences(Function<Subnet, Optional<Lease>> foreign) {
    for (Subnet subnet : unjudged) {
      foreign
          .apply(subnet)
          .flatMap(this::of)
          .ifPresentOrElse(
              sentence -> sentences.put(subnet, sentence), () -> sentences.remove(subnet));
    }
    unjudged.clear();
    return List.copyOf(sentences.values());
  }
}
