// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.control.LeaseStore.Result;
import dev.culvert.control.SubnetAllocator.Choice;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Gateway;
import dev.culvert.datapath.Identity;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vtep;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.RefusedException;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Gets, keeps and gives back this host's lease in one of the overlay's networks. Called by the
 * overlay's thread alone.
 *
 * <p>A host that lost its lease, or that slept past its end and cannot know, is fenced: its
 * containers keep their addresses and are cut off, and the keeper goes on asking for the same
 * subnet. One that was awake all along, and only could not reach the store, is not: losing the
 * store removes nothing.
 */
final class LeaseKeeper {
  private static final System.Logger LOG = System.getLogger(LeaseKeeper.class.getName());

  /** Each refused try means that another host got what it wanted, so this many is plenty. */
  private static final int TRIES = 100;

  /**
   * Whose name is taken gets so many reaction times to say so: a machine that starts has the time,
   * and a holder that is busy would lose everything.
   */
  private static final int NAME_PATIENCE = 3;

  /**
   * What all keepers of one host share.
   *
   * @param port of the tunnel
   */
  record Context(OverlayConfig config, int port, LeaseStore store, SteadyClock clock) {}

  private final OverlayConfig config;
  private final OverlayConfig.Network network;
  private final int port;
  private final LeaseStore store;
  private final SteadyClock clock;
  private final Challenge challenge;
  private final SubnetSearch search;
  private final StoreRecord record;
  private Optional<MacAddress> commonMac = Optional.empty();

  /** The MAC that the kernel kept from an earlier process: it proves who held a lease. */
  private Optional<MacAddress> knownMac = Optional.empty();

  private InetAddress underlayAddress;
  private Lease lease;

  /** Whether the lease did not exist before this process asked for it. */
  private boolean fresh;

  /** The store has not confirmed the lease: it is what the datapath was found to have. */
  private boolean provisional;

  /** It ended while this process did not run, and the store has not confirmed it since. */
  private boolean doubtful;

  private Optional<Lease> lostTo = Optional.empty();

  private Optional<String> problem = Optional.empty();
  private Optional<Backoff> backoff = Optional.empty();
  private Instant renewAt = Instant.MAX;

  /** How long nobody can have taken the subnet, by the clock that does not jump. */
  private Instant validUntil = Instant.MAX;

  LeaseKeeper(Context context, OverlayConfig.Network network) {
    this.config = context.config();
    this.network = network;
    this.port = context.port();
    this.store = context.store();
    this.clock = context.clock();
    this.challenge = new Challenge(store);
    this.search = new SubnetSearch(context, network, challenge);
    this.record = new StoreRecord(config.leaseDuration());
    this.underlayAddress = config.underlayAddress();
  }

  OverlayConfig.Network network() {
    return network;
  }

  /** What is held, or was; absent only before {@link #obtain}. */
  Lease lease() {
    return lease;
  }

  /** What this lease's dealings with the store tell of it. */
  StoreRecord record() {
    return record;
  }

  /** Until then what the store lost counts: see {@link StoreRecord}. */
  Instant keepLostUntil() {
    return provisional
        ? Instant.MAX // whether the store lost anything is not known yet
        : record.keepLostUntil();
  }

  /** Whether this host must not carry packets of its subnet: another has it, or may have it. */
  boolean isFenced() {
    return doubtful || lostTo.isPresent();
  }

  /** What hinders the containers, if something does. */
  Optional<String> whyFenced() {
    if (lostTo.isPresent()) {
      return problem;
    }
    return doubtful
        ? Optional.of(
            "This host slept past the end of its lease of "
                + lease.subnet()
                + ", so that another host may have got it; containers here are cut off until the"
                + " store says that it did not.")
        : Optional.empty();
  }

  Optional<String> problem() {
    return problem;
  }

  /** This process did not run for a while: if the lease has run out, another may have it. */
  void slept(Instant now) {
    if (!now.isBefore(validUntil) && lostTo.isEmpty()) {
      doubtful = true;
      backoff = Optional.of(new Backoff(1, now));
    }
  }

  Instant nextDeadline() {
    return backoff.map(Backoff::retryAt).orElse(renewAt);
  }

  /**
   * The first lease: the one that this host's name has in the store, else the subnet that the
   * datapath was left with, else the wanted or lowest free one. Without a store, what the datapath
   * was left with serves until the store is back.
   *
   * @param mac that of this host's other lease, if there is one: a host has one tunnel end
   * @throws LeaseStoreException when the store cannot be reached and the datapath has nothing
   * @param before what the datapath was started with before, as far as the kernel kept it
   * @throws HostNameTakenException when another machine lives under this host's name
   * @throws RefusedException when no subnet is to be had
   */
  void obtain(
      Datapath.State state, Optional<Identity> before, Optional<MacAddress> mac, Instant now) {
    commonMac = mac;
    knownMac = before.map(identity -> identity.vtep().mac()).or(() -> previousMac(state));
    Optional<IpPrefix> previous = previous(state).or(() -> before.flatMap(this::previous));
    try {
      obtain(previous, now);
    } catch (LeaseStoreException e) {
      if (previous.isEmpty()) {
        throw e;
      }
      provisional = true;
      validUntil = now.plus(config.leaseDuration());
      lease =
          lease(
              new Subnet(config.vni(), previous.get()),
              commonMac.or(() -> knownMac).orElseGet(this::freshMac),
              0);
      record.failed(now);
      failed("The store cannot confirm " + lease + ": " + e.getMessage(), now);
    }
  }

  /** Renews when it is time, and tries again what failed. */
  void doWork(Instant now) {
    if (now.isBefore(nextDeadline())) {
      return;
    }
    try {
      if (provisional || lostTo.isPresent()) {
        handle(claim(lease.subnet(), lease.vtep().mac(), lease.generation() + 1), now);
      } else {
        handle(store.renew(lease, wanted(lease)), now);
      }
    } catch (LeaseStoreException e) {
      record.failed(now);
      failed("The lease of " + lease + " cannot be renewed: " + e.getMessage(), now);
    }
  }

  /** From now on the lease is to say that this host is there; asked of the store at once. */
  void moveTo(InetAddress address, Instant now) {
    underlayAddress = address;
    backoff = Optional.of(new Backoff(1, now));
  }

  /** Looks at the lease soon when the store's event does not fit what we believe. */
  void accept(LeaseEvent event, Instant now) {
    boolean doubtful =
        switch (event) {
          case LeaseEvent.Snapshot(long _, List<Lease> leases) ->
              leases.stream().noneMatch(this::isOurs);
          case LeaseEvent.Announced(long _, Lease announced) ->
              announced.subnet().equals(lease.subnet())
                  && !isOurs(announced)
                  && !(announced.host().equals(lease.host())
                      && announced.generation() < lease.generation());
          case LeaseEvent.Withdrawn(long _, Subnet subnet, long generation) ->
              isDoubtful(subnet, generation);
          case LeaseEvent.Vanished(long _, Subnet subnet, long generation) ->
              isDoubtful(subnet, generation);
        };
    if (event instanceof LeaseEvent.Vanished(long _, Subnet subnet, long _)
        && subnet.equals(lease.subnet())
        && lostTo.isEmpty()) {
      record.missing(now);
    }
    if (doubtful) {
      backoff = Optional.of(new Backoff(1, now));
    }
  }

  /** Ours is gone, or the one that is in our way. */
  private boolean isDoubtful(Subnet gone, long generation) {
    return (gone.equals(lease.subnet()) && generation >= lease.generation())
        || lostTo.map(Lease::subnet).filter(gone::equals).isPresent();
  }

  /** A static lease is somebody's file or entry, which we did not make and do not remove. */
  void release() {
    if (!provisional && lostTo.isEmpty() && !lease.isStatic()) {
      store.release(lease);
    }
  }

  /** Gives the lease back after a failed start, unless the host had it before. */
  void releaseIfFresh() {
    if (fresh) {
      release();
    }
  }

  private void obtain(Optional<IpPrefix> previous, Instant now) {
    for (int i = 0; i < TRIES; i++) {
      Choice choice = search.choose(previous);
      Result result =
          switch (choice) {
            case Choice.Held(Lease held) -> takeAtStart(held);
            case Choice.Free(IpPrefix prefix) ->
                store.acquire(lease(new Subnet(config.vni(), prefix), freshMac(), 1));
          };
      if (result instanceof Result.Done(Lease done)) {
        fresh = choice instanceof Choice.Free;
        if (fresh && previous.isPresent()) {
          record.missing(now); // the kernel knows of a lease, and the store does not
        }
        hold(done, now);
        return;
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

  /**
   * The lease of this host's name: ours if the kernel still knows its MAC, else that of whoever
   * answers, else that of a machine that rebooted, was moved or made anew: ours.
   */
  private Result takeAtStart(Lease held) {
    boolean known = knownMac.or(() -> commonMac).filter(held.vtep().mac()::equals).isPresent();
    if (known) {
      return take(held);
    }
    if (held.isStatic()) {
      return takeStatic(held);
    }
    Optional<Lease> silent = Optional.of(held);
    if (!config.takeOver()) {
      silent = challenge.unanswered(held, store.reactionTime().multipliedBy(NAME_PATIENCE));
    }
    Lease free = silent.orElseThrow(() -> taken(held));
    Vtep own = vtep(commonMac.orElseGet(VtepMac::random));
    LOG.log(
        Level.INFO,
        "Taking over the lease of " + held + " at " + held.vtep() + ", now " + own + ".");
    return store.renew(free, wanted(free).withVtep(own));
  }

  /** Nobody renews it, so nobody can be asked; where it is is its writer's word. */
  private Result takeStatic(Lease held) {
    if (!config.takeOver() && !held.vtep().address().equals(underlayAddress)) {
      throw taken(held);
    }
    return take(held);
  }

  private HostNameTakenException taken(Lease held) {
    return new HostNameTakenException(
        "The name "
            + config.host()
            + " is another machine's: "
            + (held.isStatic() ? "a static lease has it" : "it lives")
            + " at "
            + held.vtep()
            + " and holds "
            + held.subnet()
            + ", while this machine is at "
            + IpAddresses.text(underlayAddress)
            + ":"
            + port
            + "; give this one another name, or start it with --take-over to take the other's"
            + " place.");
  }

  /** Makes the lease in the store say what this host is now. */
  private Result take(Lease held) {
    Lease wanted = wanted(held);
    boolean unchanged = held.isStatic() && held.vtep().equals(wanted.vtep());
    return unchanged ? new Result.Done(held) : store.renew(held, wanted);
  }

  /** Gets back the very subnet that the containers of this host have addresses of. */
  private Result claim(Subnet subnet, MacAddress mac, long generation) {
    Result result = store.acquire(lease(subnet, mac, generation));
    if (provisional && result instanceof Result.Done) {
      record.missing(clock.instant());
    }
    if (provisional
        && result instanceof Result.Conflict(Lease current)
        && current.hasHolderOf(lease)
        && current.subnet().equals(subnet)) {
      return take(current);
    }
    return result;
  }

  private void handle(Result result, Instant now) {
    switch (result) {
      case Result.Done(Lease done) -> {
        if (problem.isPresent()) {
          LOG.log(Level.INFO, "The lease of " + done + " is held again.");
        }
        hold(done, now);
      }
      case Result.Gone _ -> {
        record.missing(now);
        handle(claim(lease.subnet(), lease.vtep().mac(), lease.generation() + 1), now);
      }
      case Result.Conflict(Lease current) when isOwnWrite(current) -> {
        // Our own write whose answer got lost, or a new generation by hand.
        lease = current;
        handle(take(current), now);
      }
      case Result.Conflict(Lease current) -> lose(current, now);
    }
  }

  /**
   * @param asked when the store was asked for it
   */
  private void hold(Lease held, Instant asked) {
    lease = held;
    provisional = false;
    doubtful = false;
    lostTo = Optional.empty();
    if (!held.isStatic()) {
      record.wrote(asked);
    }
    problem = Optional.empty();
    backoff = Optional.empty();
    Duration lasts = config.leaseDuration();
    renewAt = held.isStatic() ? Instant.MAX : asked.plus(lasts.dividedBy(2));
    validUntil = held.isStatic() ? Instant.MAX : asked.plus(lasts);
  }

  private void lose(Lease current, Instant now) {
    lostTo = Optional.of(current);
    doubtful = false;
    String who =
        current.host().equals(config.host())
            ? "another machine, " + current.vtep() + ", uses this host's name"
            : current.host() + " at " + current.vtep() + " holds " + current.subnet();
    failed(
        "This host lost its lease of "
            + lease.subnet()
            + ": "
            + who
            + "; containers here keep their addresses and are cut off. Give the"
            + " other host another "
            + (current.host().equals(config.host()) ? "name" : "subnet")
            + ", or move the containers.",
        now);
  }

  private void failed(String sentence, Instant now) {
    problem = Optional.of(sentence);
    backoff = Optional.of(backoff.map(b -> b.next(now)).orElseGet(() -> Backoff.first(now)));
  }

  private boolean isOurs(Lease other) {
    return other.subnet().equals(lease.subnet())
        && other.host().equals(lease.host())
        && other.vtep().equals(lease.vtep())
        && other.generation() == lease.generation();
  }

  private boolean isOwnWrite(Lease current) {
    return current.subnet().equals(lease.subnet())
        && current.host().equals(lease.host())
        && (current.vtep().equals(lease.vtep()) || current.vtep().equals(vtep(lease.vtep().mac())));
  }

  /** Where this host is now. */
  private Vtep vtep(MacAddress mac) {
    return new Vtep(underlayAddress, port, mac);
  }

  /** The lease as it should stand in the store; a static one stays static and keeps its MAC. */
  private Lease wanted(Lease held) {
    return new Lease(
        held.subnet(),
        config.host(),
        vtep(commonMac.orElse(held.vtep().mac())),
        held.generation(),
        held.term().map(_ -> Lease.Term.from(clock.stamp(), config.leaseDuration())));
  }

  private Lease lease(Subnet subnet, MacAddress mac, long generation) {
    return new Lease(
        subnet,
        config.host(),
        vtep(mac),
        generation,
        Optional.of(Lease.Term.from(clock.stamp(), config.leaseDuration())));
  }

  private Optional<IpPrefix> previous(Datapath.State state) {
    return state.locals().stream()
        .map(LocalSubnet::subnet)
        .filter(subnet -> subnet.vni().equals(config.vni()))
        .map(Subnet::prefix)
        .filter(prefix -> Prefixes.contains(network.prefix(), prefix))
        .findFirst();
  }

  /** A host that was fenced when its process ended has no subnet in its tables. */
  private Optional<IpPrefix> previous(Identity before) {
    return before.gateways().stream()
        .filter(_ -> before.vni().equals(config.vni()))
        .map(Gateway::address)
        .filter(network.prefix()::contains)
        .map(gateway -> IpPrefix.containing(gateway, network.subnetLength()))
        .findFirst();
  }

  /** What peers were told before, so that their entries stay right while the store is away. */
  private Optional<MacAddress> previousMac(Datapath.State state) {
    return state.remotes().stream()
        .filter(remote -> remote.subnet().vni().equals(config.vni()))
        .map(RemoteSubnet::local)
        .map(Vtep::mac)
        .findFirst();
  }

  private MacAddress freshMac() {
    return commonMac
        .or(() -> knownMac)
        .orElseGet(() -> VtepMac.derive(config.host(), config.vni()));
  }
}
