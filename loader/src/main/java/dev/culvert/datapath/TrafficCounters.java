// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import java.net.InetAddress;
import java.util.Map;
import java.util.Objects;

/**
 * Who sent and received how much, totals over all CPUs. What is not counted one by one (containers
 * behind bridges, the host itself, VTEPs and containers beyond what the maps have room for) is
 * missing from one side or the other.
 *
 * @param byVtep other hosts, in the order of their underlay addresses
 * @param byEndpoint every endpoint, in their order
 */
public record TrafficCounters(Map<InetAddress, Traffic> byVtep, Map<Endpoint, Traffic> byEndpoint) {
  /** Checks that all is there. */
  public TrafficCounters {
    Objects.requireNonNull(byVtep, "byVtep");
    Objects.requireNonNull(byEndpoint, "byEndpoint");
  }
}
