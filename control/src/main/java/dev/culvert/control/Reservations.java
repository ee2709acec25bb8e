// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.IpPrefix;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Addresses of a network that not every host may lease. Immutable.
 *
 * @param never ranges that no host gets
 * @param byHost subnets that the named host gets, and nobody else
 */
public record Reservations(List<IpPrefix> never, Map<HostName, List<IpPrefix>> byHost) {
  /** Nothing is reserved. */
  public static final Reservations NONE = new Reservations(List.of(), Map.of());

  /** Orders both, so that equal ones are written alike. */
  public Reservations {
    Objects.requireNonNull(never, "never");
    Objects.requireNonNull(byHost, "byHost");
    never = never.stream().sorted().toList();
    SortedMap<HostName, List<IpPrefix>> sorted = new TreeMap<>();
    byHost.forEach((host, subnets) -> sorted.put(host, subnets.stream().sorted().toList()));
    byHost = Collections.unmodifiableSortedMap(sorted);
  }

  /** {@return the subnet that a host is to have within a network, if one is reserved for it} */
  Optional<IpPrefix> of(HostName host, IpPrefix network) {
    return byHost.getOrDefault(host, List.of()).stream()
        .filter(subnet -> Prefixes.contains(network, subnet))
        .findFirst();
  }

  /**
   * {@return why a host may not have a subnet, such as "reserved for host-07"; empty where it may}
   *
   * @param host by name
   * @param subnet of its network
   */
  public Optional<String> forbids(HostName host, IpPrefix subnet) {
    Objects.requireNonNull(host, "host");
    Objects.requireNonNull(subnet, "subnet");
    if (never.stream().anyMatch(subnet::overlaps)) {
      return Optional.of("never given");
    }
    return byHost.entrySet().stream()
        .filter(entry -> !entry.getKey().equals(host))
        .filter(entry -> entry.getValue().stream().anyMatch(subnet::overlaps))
        .findFirst()
        .map(entry -> "reserved for " + entry.getKey());
  }

  /** {@return all that this host may not have} */
  Stream<IpPrefix> closedTo(HostName host) {
    return Stream.concat(
        never.stream(),
        byHost.entrySet().stream()
            .filter(entry -> !entry.getKey().equals(host))
            .flatMap(entry -> entry.getValue().stream()));
  }
}
