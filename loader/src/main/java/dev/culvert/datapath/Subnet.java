// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import java.util.Objects;

/**
 * What one host leases: a prefix within one network. Ordered by network, then prefix.
 *
 * @param vni the network
 * @param prefix of either IP family
 */
public record Subnet(Vni vni, IpPrefix prefix) implements Comparable<Subnet> {
  /** Checks that all is there. */
  public Subnet {
    Objects.requireNonNull(vni, "vni");
    Objects.requireNonNull(prefix, "prefix");
  }

  @Override
  public int compareTo(Subnet other) {
    Objects.requireNonNull(other, "other");
    int byVni = vni.compareTo(other.vni);
    return byVni != 0 ? byVni : prefix.compareTo(other.prefix);
  }

  @Override
  public String toString() {
    return prefix + " (VNI " + vni + ")";
  }
}
