// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.control.LeaseStore.Result;
import dev.culvert.control.SubnetAllocator.Choice;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vtep;
import dev.culvert.kernel.IpAddresses;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * How a host comes to its lease when it starts: it takes the one that its name has in the store, or
 * claims a subnet that nobody has. A newcomer to a store that looks new settles first, so that
 * those who live there have the time to write their leases again. Used by the overlay's thread
 * alone.
 */
final class FirstLease {
  private static final System.Logger LOG = System.getLogger(FirstLease.class.getName());

  /** Each refused try means that another host got what it wanted, so this many is plenty. */
  private static final int TRIES = 100;

  /**
   * Whose name is taken gets so many reaction times to say so: a machine that starts has the time,
   * and a holder that is busy would lose everything.
   */
  private static final int NAME_PATIENCE = 3;

  /** How often a store that looks new is looked at. */
  private static final Duration LOOK = Duration.ofMillis(200);

  /** Nobody waits for a store for longer that looks new for ever. */
  private static final Duration LONGEST_SETTLING = Duration.ofSeconds(20);

  /**
   * What was obtained.
   *
   * @param fresh whether the lease did not exist before
   */
  record Obtained(Lease lease, boolean fresh) {}

  private final LeaseKeeper.Context context;
  private final OverlayConfig.Network network;
  private final LeaseDraft draft;
  private final Challenge challenge;
  private final SubnetSearch search;

  FirstLease(LeaseKeeper.Context context, OverlayConfig.Network network, LeaseDraft draft) {
    this.context = context;
    this.network = network;
    this.draft = draft;
    this.challenge = new Challenge(context.store(), context.clock());
    this.search = new SubnetSearch(context, network, challenge);
  }

  /**
   * Takes or claims one.
   *
   * @param previous what the datapath was left with: such a host lives, and does not wait
   * @param settled whether this host has just come to its lease of the other family
   * @throws LeaseStoreException when the store cannot be reached or written
   * @throws NetworkMismatchException when the store says that the network is another
   * @throws HostNameTakenException when another machine lives under this host's name
   * @throws dev.culvert.kernel.RefusedException when no subnet is to be had
   */
  Obtained obtain(Optional<IpPrefix> previous, boolean settled) {
    if (previous.isEmpty() && !settled) {
      settle();
    }
    context.agreement().agree();
    for (int i = 0; i < TRIES; i++) {
      Choice choice = search.choose(previous);
      Result result =
          switch (choice) {
            case Choice.Held(Lease held) -> takeAtStart(held);
            case Choice.Free(IpPrefix prefix, List<IpPrefix> spares) ->
                context.store().acquireFirst(drafts(prefix, spares));
          };
      if (result instanceof Result.Done(Lease done)) {
        return new Obtained(done, choice instanceof Choice.Free);
      }
    }
    throw new LeaseStoreException(
        "No subnet of "
            + network.prefix()
            + " could be leased in "
            + TRIES
            + " tries: other hosts were always first; is something claiming and releasing without"
            + " end?");
  }

  private List<Lease> drafts(IpPrefix prefix, List<IpPrefix> spares) {
    return Stream.concat(Stream.of(prefix), spares.stream())
        .map(wanted -> draft.of(new Subnet(context.config().vni(), wanted), 1))
        .toList();
  }

  private void settle() {
    Duration waited = Duration.ZERO;
    while (waited.compareTo(LONGEST_SETTLING) < 0 && context.store().looksNew()) {
      context.clock().pause(LOOK);
      waited = waited.plus(LOOK);
    }
  }

  /**
   * The lease of this host's name: ours if the kernel still knows its MAC, else that of whoever
   * answers, else that of a machine that rebooted, was moved or made anew: ours.
   */
  private Result takeAtStart(Lease held) {
    if (draft.isKnown(held)) {
      return take(held, 0);
    }
    if (held.isStatic()) {
      return takeStatic(held);
    }
    Optional<Lease> silent = Optional.of(held);
    if (!context.config().takeOver()) {
      silent =
          challenge.unanswered(held, context.store().reactionTime().multipliedBy(NAME_PATIENCE));
    }
    Lease free = silent.orElseThrow(() -> taken(held));
    Vtep own = draft.successor();
    LOG.log(
        Level.INFO,
        "Taking over the lease of " + held + " at " + held.vtep() + ", now " + own + ".");
    return context.store().renew(free, draft.wanted(free).withVtep(own));
  }

  /** Nobody renews it, so nobody can be asked; where it is is its writer's word. */
  private Result takeStatic(Lease held) {
    if (!context.config().takeOver() && !held.vtep().address().equals(draft.underlayAddress())) {
      throw taken(held);
    }
    return take(held, 0);
  }

  private HostNameTakenException taken(Lease held) {
    return new HostNameTakenException(
        "The name "
            + context.config().host()
            + " is another machine's: "
            + (held.isStatic() ? "a static lease has it" : "it lives")
            + " at "
            + held.vtep()
            + " and holds "
            + held.subnet()
            + ", while this machine is at "
            + IpAddresses.text(draft.underlayAddress())
            + ":"
            + context.port()
            + "; give this one another name, or start it with --take-over to take the other's"
            + " place.");
  }

  /**
   * Makes the lease in the store say what this host is now.
   *
   * @param generation the least to give it; a backup may have brought an older one back
   */
  Result take(Lease held, long generation) {
    Lease wanted = draft.wanted(held).withGeneration(Math.max(held.generation(), generation));
    boolean unchanged = held.isStatic() && held.equals(wanted.withGeneration(held.generation()));
    return unchanged ? new Result.Done(held) : context.store().renew(held, wanted);
  }
}
