// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.RemoteSubnet;
import java.util.List;
import java.util.Optional;

/**
 * A consistent picture, taken on the owning thread.
 *
 * @param leases of this host, one in each of the overlay's networks, IPv4 first
 * @param pending changes that the datapath refused, each with its reason; they are retried
 * @param problems what a person should look at, one sentence each
 */
public record OverlayStatus(
    List<Lease> leases,
    List<RemoteSubnet> remotes,
    List<Endpoint> endpoints,
    boolean storeConnected,
    long storeRevision,
    List<String> pending,
    List<String> problems) {
  /** The same with other problems. */
  public OverlayStatus withProblems(List<String> others) {
    return new OverlayStatus(
        leases, remotes, endpoints, storeConnected, storeRevision, pending, List.copyOf(others));
  }

  /** The first of its leases. */
  public Optional<Lease> lease() {
    return leases.stream().findFirst();
  }
}
