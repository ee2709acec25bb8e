// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * A consistent picture, taken on the owning thread.
 *
 * @param leases of this host, one in each of the overlay's networks, IPv4 first
 * @param fenced those of its subnets that another host has or may have: their containers are cut
 *     off until the store says otherwise
 * @param remotes other hosts' subnets, as they should be in the datapath
 * @param endpoints this host's containers
 * @param storeConnected whether the store answered when it was asked last
 * @param storeRevision of the last event that was heard, -1 before the first
 * @param pending changes that the datapath refused, each with its reason; they are retried
 * @param problems what a person should look at, one sentence each
 */
public record OverlayStatus(
    List<Lease> leases,
    Set<Subnet> fenced,
    List<RemoteSubnet> remotes,
    List<Endpoint> endpoints,
    boolean storeConnected,
    long storeRevision,
    List<String> pending,
    List<String> problems) {
  /** Checks that all is there. */
  public OverlayStatus {
    Objects.requireNonNull(leases, "leases");
    Objects.requireNonNull(fenced, "fenced");
    Objects.requireNonNull(remotes, "remotes");
    Objects.requireNonNull(endpoints, "endpoints");
    Objects.requireNonNull(pending, "pending");
    Objects.requireNonNull(problems, "problems");
  }

  /**
   * {@return the same with other problems}
   *
   * @param others one sentence each; copied
   */
  public OverlayStatus withProblems(List<String> others) {
    Objects.requireNonNull(others, "others");
    return new OverlayStatus(
        leases,
        fenced,
        remotes,
        endpoints,
        storeConnected,
        storeRevision,
        pending,
        List.copyOf(others));
  }

  /** The same with other containers. */
  OverlayStatus withEndpoints(List<Endpoint> others) {
    return new OverlayStatus(
        leases, fenced, remotes, others, storeConnected, storeRevision, pending, problems);
  }

  /**
   * {@return the lease in the first network, IPv4 where there are both; empty before there is one}
   */
  public Optional<Lease> lease() {
    return leases.stream().findFirst();
  }
}
