// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.control.SubnetAllocator.Choice;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.kernel.RefusedException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Looks for the subnet that a host starts with. Falls back on subnets of hosts whose lease ended
 * long ago, and only then, and only where nobody answers for it: a clock may be wrong.
 */
final class SubnetSearch {
  private static final System.Logger LOG = System.getLogger(SubnetSearch.class.getName());

  private final LeaseKeeper.Context context;
  private final OverlayConfig.Network network;
  private final Challenge challenge;

  SubnetSearch(LeaseKeeper.Context context, OverlayConfig.Network network, Challenge challenge) {
    this.context = context;
    this.network = network;
    this.challenge = challenge;
  }

  /**
   * See {@link SubnetAllocator#choose}.
   *
   * @param previous what the host had before
   * @throws RefusedException when there is none
   */
  Choice choose(Optional<IpPrefix> previous) {
    var request =
        new SubnetAllocator.Request(
            context.config().host(),
            context.config().vni(),
            network.prefix(),
            network.subnetLength(),
            network.subnet(),
            previous,
            context.agreement().reservations());
    List<Lease> leases = context.store().list();
    try {
      return SubnetAllocator.choose(request, leases);
    } catch (RefusedException e) {
      Instant longAgo = now().minus(OverlayTable.grace(context.config().leaseDuration()));
      List<Lease> ended = leases.stream().filter(other -> other.isExpired(longAgo)).toList();
      return new Choice.Free(freeOfEnded(request, leases, ended, e));
    }
  }

  /** By the slower of two clocks: this host's may be days ahead, and nobody here watched yet. */
  private Instant now() {
    Instant own = context.clock().wall();
    return context.store().time().filter(theirs -> theirs.isBefore(own)).orElse(own);
  }

  private IpPrefix freeOfEnded(
      SubnetAllocator.Request request, List<Lease> all, List<Lease> ended, RefusedException full) {
    List<Lease> living = new ArrayList<>(all);
    living.removeAll(ended);
    if (ended.isEmpty()
        || !(SubnetAllocator.choose(request, living)
            instanceof Choice.Free(IpPrefix prefix, List<IpPrefix> _))) {
      throw full;
    }
    for (Lease other : ended) {
      if (other.subnet().vni().equals(request.vni()) && other.subnet().prefix().overlaps(prefix)) {
        Optional<Lease> silent = challenge.unanswered(other, patience());
        if (silent.isEmpty() || context.store().looksNew()) { // its holder may be about to write
          List<Lease> left = new ArrayList<>(ended);
          left.remove(other);
          return freeOfEnded(request, all, left, full);
        }
        LOG.log(Level.INFO, "Taking the place of the expired lease of " + other + ".");
        context.store().release(silent.get());
      }
    }
    return prefix;
  }

  /** A holder that started while the store was away looks for it, and hears of us then. */
  private Duration patience() {
    return StoreLink.DEAF_PERIOD.plus(context.store().returnTime());
  }
}
