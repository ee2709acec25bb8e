// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.kernel.IpAddresses;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Underlay addresses that leases of several hosts name: of machines that were cloned, or that have
 * one address in networks of their own (Vagrant gives 10.0.2.15 to each). Pure; used by one thread.
 */
final class SharedVteps {
  /** Whoever misconfigured a hundred hosts needs to see a few. */
  private static final int MOST_SENTENCES = 10;

  /** How many leases each host has at an address: one or two, and of one host, nearly always. */
  private final Map<InetAddress, Map<HostName, Integer>> hosts = new HashMap<>();

  private final Set<InetAddress> shared = new HashSet<>(); // empty, nearly always

  /** One sentence for each address. */
  static List<String> find(List<Lease> leases) {
    SharedVteps all = new SharedVteps();
    leases.forEach(all::add);
    return all.sentences();
  }

  void add(Lease lease) {
    InetAddress address = lease.vtep().address();
    Map<HostName, Integer> there = hosts.computeIfAbsent(address, _ -> new HashMap<>(2));
    there.merge(lease.host(), 1, Integer::sum);
    if (there.size() > 1) {
      shared.add(address);
    }
  }

  /** One that was added. */
  void remove(Lease lease) {
    InetAddress address = lease.vtep().address();
    Map<HostName, Integer> there = hosts.get(address);
    there.computeIfPresent(lease.host(), (_, count) -> count == 1 ? null : count - 1);
    if (there.size() <= 1) {
      shared.remove(address);
    }
    if (there.isEmpty()) {
      hosts.remove(address);
    }
  }

  /** One for each address. */
  List<String> sentences() {
    List<String> sentences = new ArrayList<>();
    shared.forEach(address ->
        sentences.add(
            sentence(IpAddresses.text(address), new TreeSet<>(hosts.get(address).keySet()))));
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
