// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Subnet;
import dev.culvert.kernel.IpAddresses;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;

/** What this host's name, containers or configuration still hold from another life. Pure. */
final class Strays {
  private Strays() {}

  /**
   * One sentence for each.
   *
   * @param stored of this host's name; others do not count
   */
  static List<String> find(
      OverlayConfig config, Leases own, List<Lease> stored, Collection<Endpoint> endpoints) {
    List<String> strays = new ArrayList<>();
    for (Lease lease : stored) {
      if (lease.host().equals(config.host()) && !own.subnets().contains(lease.subnet())) {
        strays.add(
            "The store has a second lease of this host, "
                + lease.subnet()
                + ", that nobody uses; remove it if no other machine has this host's name.");
      }
    }
    for (Endpoint endpoint : endpoints) {
      for (InetAddress address : endpoint.addresses()) {
        if (own.subnets().stream().noneMatch(subnet -> subnet.prefix().contains(address))) {
          strays.add(
              "The container "
                  + IpAddresses.text(address)
                  + " has an address outside this host's "
                  + text(own.subnets())
                  + ", so that others cannot reach it; detach and attach it anew.");
        }
      }
    }
    for (LeaseKeeper keeper : own.keepers()) {
      Subnet held = keeper.lease().subnet();
      keeper
          .network()
          .subnet()
          .filter(wanted -> !wanted.equals(held.prefix()))
          .ifPresent(wanted -> strays.add(otherThanWanted(held, wanted)));
    }
    return strays;
  }

  private static String otherThanWanted(Subnet held, IpPrefix wanted) {
    return "This host holds "
        + held
        + " though its configuration asks for "
        + wanted
        + "; leave the overlay and start again to change it.";
  }

  private static String text(List<Subnet> subnets) {
    return (subnets.size() == 1 ? "subnet " : "subnets ")
        + subnets.stream().map(Subnet::toString).collect(Collectors.joining(" and "));
  }
}
