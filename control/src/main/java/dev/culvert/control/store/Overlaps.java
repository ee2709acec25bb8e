// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control.store;

import dev.culvert.control.Lease;
import dev.culvert.datapath.Subnet;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** The rule that no two leases of a network share an address, for whoever writes a store. Pure. */
public final class Overlaps {
  /**
   * Two leases of one network that share addresses.
   *
   * @param first with the wider or the equal subnet
   * @param second within it
   */
  public record Pair(Lease first, Lease second) {
    /** Checks that all is there. */
    public Pair {
      Objects.requireNonNull(first, "first");
      Objects.requireNonNull(second, "second");
    }
  }

  private Overlaps() {}

  /**
   * {@return a lease of the same VNI that shares an address with the subnet, if there is one}
   *
   * @param subnet that somebody wants
   * @param leases all that there are
   */
  public static Optional<Lease> find(Subnet subnet, Collection<Lease> leases) {
    Objects.requireNonNull(subnet, "subnet");
    Objects.requireNonNull(leases, "leases");
    return leases.stream()
        .filter(lease -> lease.subnet().vni().equals(subnet.vni()))
        .filter(lease -> lease.subnet().prefix().overlaps(subnet.prefix()))
        .findFirst();
  }

  /**
   * {@return those that only people can have made}
   *
   * @param leases ordered by subnet, each subnet once
   */
  public static List<Pair> among(Collection<Lease> leases) {
    Objects.requireNonNull(leases, "leases");
    List<Pair> pairs = new ArrayList<>();
    Lease before = null;
    for (Lease lease : leases) {
      if (before != null
          && before.subnet().vni().equals(lease.subnet().vni())
          && before.subnet().prefix().overlaps(lease.subnet().prefix())) {
        pairs.add(new Pair(before, lease));
        continue; // the wider one may overlap the next as well
      }
      before = lease;
    }
    return pairs;
  }
}
