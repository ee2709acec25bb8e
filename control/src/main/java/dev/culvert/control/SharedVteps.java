// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.kernel.IpAddresses;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Underlay addresses that leases of several hosts name: of machines that were cloned, or that have
 * one address in networks of their own (Vagrant gives 10.0.2.15 to each). Pure.
 */
final class SharedVteps {
  /** Whoever misconfigured a hundred hosts needs to see a few. */
  private static final int MOST_SENTENCES = 10;

  private SharedVteps() {}

  /** One sentence for each address. */
  static List<String> find(List<Lease> leases) {
    Map<InetAddress, HostName> hosts = new HashMap<>();
    Map<InetAddress, SortedSet<HostName>> shared = new HashMap<>(); // empty, nearly always
    for (Lease lease : leases) {
      InetAddress address = lease.vtep().address();
      HostName first = hosts.putIfAbsent(address, lease.host());
      if (first != null && !first.equals(lease.host())) {
        SortedSet<HostName> names = shared.computeIfAbsent(address, _ -> new TreeSet<>());
        names.add(first);
        names.add(lease.host());
      }
    }
    List<String> sentences = new ArrayList<>();
    shared.forEach((address, names) -> sentences.add(sentence(IpAddresses.text(address), names)));
    sentences.sort(null);
    return sentences.size() <= MOST_SENTENCES
        ? sentences
        : List.copyOf(sentences.subList(0, MOST_SENTENCES));
  }

  private static String sentence(String address, SortedSet<HostName> names) {
    return "The leases of "
        + names.stream()
            .limit(MOST_SENTENCES)
            .map(HostName::text)
            .collect(Collectors.joining(" and "))
        + (names.size() > MOST_SENTENCES ? " and others" : "")
        + " name one VTEP address, "
        + address
        + ", where only one host can be; give each the address by which the others reach it"
        + " (underlay.address), or remove the lease of the one that is gone.";
  }
}
