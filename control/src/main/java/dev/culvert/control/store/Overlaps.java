// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control.store;

import dev.culvert.control.Lease;
import dev.culvert.datapath.Subnet;
import java.util.Collection;
import java.util.Optional;

/** The rule that no two leases of a network share an address, for whoever writes a store. Pure. */
public final class Overlaps {
  private Overlaps() {}

  /**
   * {@return a lease of the same VNI that shares an address with the subnet, if there is one}
   *
   * @param subnet that somebody wants
   * @param leases all that there are
   */
  public static Optional<Lease> find(Subnet subnet, Collection<Lease> leases) {
    return leases.stream()
        .filter(lease -> lease.subnet().vni().equals(subnet.vni()))
        .filter(lease -> lease.subnet().prefix().overlaps(subnet.prefix()))
        .findFirst();
  }
}
