// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.control.LeaseStore.Result;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Gateway;
import dev.culvert.datapath.Identity;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.Subnet;
import dev.culvert.kernel.RefusedException;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Gets, keeps and gives back this host's lease in one of the overlay's networks. Called by the
 * overlay's thread alone.
 *
 * <p>A host that lost its lease, or that slept past its end and cannot know, is fenced: its
 * containers keep their addresses and are cut off, and the keeper goes on asking for the same
 * subnet; without containers it takes another in place of one that is lost. One that was awake all
 * along, and only could not reach the store, is not: losing the store removes nothing.
 */
final class LeaseKeeper {
  private static final System.Logger LOG = System.getLogger(LeaseKeeper.class.getName());

  /**
   * What all keepers of one host share.
   *
   * @param agreement on the network, with what this host's leases say of it
   */
  record Context(
      OverlayConfig config, LeaseStore store, SteadyClock clock, NetworkAgreement agreement) {
    /** The tunnel's, as this host's leases say. */
    int port() {
      return agreement.changeover().port();
    }
  }

  /**
   * So long a host waits for the subnet that it lost before it takes another: a store that was
   * wiped or restored may be in disorder for a while.
   */
  static final Duration PATIENCE = Duration.ofSeconds(10);

  /** At the least: others believe in a short lease no longer than it lasts. */
  private static final int TRIES_IN_A_LEASE = 4;

  private final OverlayConfig config;
  private final OverlayConfig.Network network;
  private final LeaseStore store;
  private final SteadyClock clock;
  private final NetworkAgreement agreement;
  private final LeaseDraft draft;
  private final FirstLease first;
  private final StoreRecord record;
  private Lease lease;

  /** Whether the lease did not exist before this process asked for it. */
  private boolean fresh;

  /** The store has not confirmed the lease: it is what the datapath was found to have. */
  private boolean provisional;

  /** It ended while this process did not run, and the store has not confirmed it since. */
  private boolean doubtful;

  /** How it came to that, up to the subnet. */
  private String why = "";

  /** What the process before this one said of its subnets; empty where it said nothing. */
  private Map<IpPrefix, Instant> lastWord = Map.of();

  /** The kernel had forgotten it. */
  private boolean fromMemory;

  private Optional<Lease> lostTo = Optional.empty();

  /** When to look whether another subnet can be taken in place of a lost one. */
  private Instant moveAt = Instant.MAX;

  private Optional<String> problem = Optional.empty();
  private Optional<Backoff> backoff = Optional.empty();
  private Instant renewAt = Instant.MAX;

  /** How long nobody can have taken the subnet, by the clock that does not jump. */
  private Instant validUntil = Instant.MAX;

  LeaseKeeper(Context context, OverlayConfig.Network network) {
    this.config = context.config();
    this.network = network;
    this.store = context.store();
    this.clock = context.clock();
    this.agreement = context.agreement();
    this.draft = new LeaseDraft(context);
    this.first = new FirstLease(context, network, draft);
    this.record = new StoreRecord(config.leaseDuration());
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
            "This host "
                + why
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
      doubt("slept past the end of its lease of ");
      backoff = Optional.of(new Backoff(1, now));
    }
  }

  private void doubt(String how) {
    doubtful = true;
    why = how;
  }

  /** To be known before {@link #obtain}. */
  void heed(Map<IpPrefix, Instant> word) {
    lastWord = Map.copyOf(word);
  }

  /**
   * Until when the process after this one may go on without the store's word: while the lease
   * lasts, and, when it ended while the store was away, as long as this one watches and a nap more.
   */
  Instant sureUntil(Instant now) {
    if (isFenced()) {
      return now;
    }
    return now.isBefore(validUntil) ? validUntil : now.plus(Wakefulness.NAP);
  }

  Instant nextDeadline() {
    Instant next = tryAt();
    return moveAt.isBefore(next) ? moveAt : next;
  }

  private Instant tryAt() {
    return backoff.map(Backoff::retryAt).orElse(renewAt);
  }

  /**
   * The first lease: the one that this host's name has in the store, else the subnet that the
   * datapath was left with, else the wanted or lowest free one. Without a store, what the datapath
   * was left with serves until the store is back. Where another host has that by now and no other
   * is to be had, or the store can only be read, this host is fenced.
   *
   * @param mac that of this host's other lease, if there is one: a host has one tunnel end
   * @throws LeaseStoreException when the store cannot be reached and the datapath has nothing
   * @param before what the datapath was started with before, as far as the kernel kept it
   * @throws HostNameTakenException when another machine lives under this host's name
   * @throws RefusedException when no subnet is to be had
   */
  void obtain(
      Datapath.State state, Optional<Identity> before, Optional<MacAddress> mac, Instant now) {
    draft.setMacs(state, before, mac);
    Optional<IpPrefix> carried = previous(state);
    Optional<IpPrefix> previous = carried.or(() -> before.flatMap(this::previous));
    try {
      FirstLease.Obtained obtained = first.obtain(previous, mac.isPresent());
      fresh = obtained.fresh();
      if (fresh && previous.isPresent()) {
        record.missing(now); // the kernel knows of a lease, and the store does not
      }
      hold(obtained.lease(), now);
    } catch (HostNameTakenException | NetworkMismatchException e) {
      throw e;
    } catch (RefusedException e) {
      // Refused, it would leave the datapath as it is, with a subnet that is another host's.
      lease = draft.of(new Subnet(config.vni(), previous.orElseThrow(() -> e)), 0);
      lose(other().orElseThrow(() -> e), now);
    } catch (LeaseStoreException e) {
      if (previous.isEmpty()) {
        goOnBy(remembered().orElseThrow(() -> e), e, now);
        return;
      }
      goOn(previous.get(), carried.isPresent(), now);
      lease = draft.of(new Subnet(config.vni(), previous.get()), 0);
      record.failed(now);
      failed("The store cannot confirm " + lease + ": " + e.getMessage(), now);
      other().ifPresent(current -> lose(current, now));
    }
  }

  /** Without the store, by what the datapath and the process before this one left. */
  private void goOn(IpPrefix subnet, boolean carried, Instant now) {
    agreement.goOnBy(
        config.memory().flatMap(LeaseMemory::recall).flatMap(LeaseMemory.Remembered::network));
    provisional = true;
    validUntil = lastWord.getOrDefault(subnet, now.plus(config.leaseDuration()));
    if (!carried) { // it was fenced when its process ended, and stays so
      doubt("was cut off already when its agent ended, without its lease of ");
    } else if (!now.isBefore(validUntil)) {
      doubt("had no agent past the end of its lease of ");
    }
  }

  /**
   * Of this very machine: a clone has the file too, but another address.
   *
   * @return with the time of writing
   */
  private Optional<LeaseMemory.Remembered> remembered() {
    return config
        .memory()
        .flatMap(LeaseMemory::recall)
        .map(known ->
            new LeaseMemory.Remembered(
                known.written(),
                known.leases().stream().filter(this::isRemembered).toList(),
                known.network()))
        .filter(known -> !known.leases().isEmpty());
  }

  private boolean isRemembered(Lease known) {
    return known.host().equals(config.host())
        && known.subnet().vni().equals(config.vni())
        && Prefixes.contains(network.prefix(), known.subnet().prefix())
        && known.vtep().address().equals(draft.underlayAddress());
  }

  /**
   * After a reboot, while the store is away. Until its end nobody can have taken the lease; by the
   * wall's clock, since no other goes on over a reboot, and not by one that has gone back.
   */
  private void goOnBy(LeaseMemory.Remembered known, LeaseStoreException e, Instant now) {
    agreement.goOnBy(known.network());
    Lease held = known.leases().getFirst();
    Instant wall = clock.wall();
    fromMemory = true;
    provisional = true;
    if (wall.isBefore(known.written()) || held.isExpired(wall)) {
      doubt(
          "started after the end of its lease, or with a clock that went back, and goes by what it"
              + " remembers of ");
    }
    validUntil =
        held.expires().map(end -> now.plus(Duration.between(wall, end))).orElse(Instant.MAX);
    lease = draft.of(held.subnet(), held.vtep().mac(), held.generation());
    record.failed(now);
    failed("The store cannot confirm " + lease + ": " + e.getMessage(), now);
  }

  /** Whether the lease is what was kept over a reboot, and not confirmed since. */
  boolean isFromMemory() {
    return fromMemory && provisional;
  }

  /** Who has the subnet: a store that takes no writes may still be read. */
  private Optional<Lease> other() {
    try {
      return store.list().stream()
          .filter(current -> current.subnet().vni().equals(config.vni()))
          .filter(current -> current.subnet().prefix().overlaps(lease.subnet().prefix()))
          .filter(current -> !current.hasHolderOf(lease))
          .findFirst();
    } catch (LeaseStoreException e) {
      return Optional.empty(); // what the datapath was left with serves
    }
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

  /** Renews when it is time, and tries again what failed. */
  void doWork(Instant now) {
    if (now.isBefore(tryAt())) {
      return;
    }
    try {
      if (lostTo.isPresent() && store.looksNew()) {
        // As a newcomer: whoever has the subnet is about to write its lease again.
        backoff = Optional.of(new Backoff(1, now.plus(LeaseView.LINGER)));
      } else if (provisional || lostTo.isPresent()) {
        handle(claim(lease.subnet(), lease.vtep().mac(), lease.generation() + 1), now);
      } else {
        handle(store.renew(lease, draft.wanted(lease)), now);
      }
    } catch (LeaseStoreException e) {
      record.failed(now);
      failed("The lease of " + lease + " cannot be renewed: " + e.getMessage(), now);
    }
  }

  /**
   * Takes another subnet in place of one that is lost for a while, unless the configuration asks
   * for that very one, or the other machine has this host's name.
   *
   * @param used whether containers of this host have addresses of the one that is lost
   * @return whether this host has another now
   */
  boolean moveOn(boolean used, Instant now) {
    if (lostTo.isEmpty() || now.isBefore(moveAt)) {
      return false;
    }
    moveAt = now.plus(PATIENCE);
    Lease current = lostTo.get();
    if (used || lease.isStatic() || isPinned() || hasOurName(current)) {
      return false;
    }
    try {
      if (store.looksNew()) {
        return false;
      }
      Subnet lost = lease.subnet();
      FirstLease.Obtained obtained = first.obtain(Optional.empty(), true);
      fresh = obtained.fresh();
      hold(obtained.lease(), now);
      LOG.log(
          Level.WARNING,
          "This host lost " + lost + " to " + current.host() + " and took " + lease.subnet() + ".");
      return true;
    } catch (LeaseStoreException | RefusedException e) {
      problem = Optional.of(sentence(current) + " No other subnet is to be had: " + e.getMessage());
      return false;
    }
  }

  /** Whether the configuration asks for one subnet and no other. */
  private boolean isPinned() {
    return network.subnet().isPresent();
  }

  private boolean hasOurName(Lease current) {
    return current.host().equals(config.host());
  }

  /** From now on the lease is to say that this host is there; asked of the store at once. */
  void moveTo(InetAddress address, Instant now) {
    draft.moveTo(address);
    tell(now);
  }

  /** What the lease says of this host has changed. */
  void tell(Instant now) {
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
          case LeaseEvent.Withdrawn(long _, Subnet subnet, long _) -> isDoubtful(subnet);
          case LeaseEvent.Vanished(long _, Subnet subnet, long _) -> isDoubtful(subnet);
        };
    if (event instanceof LeaseEvent.Vanished(long _, Subnet subnet, long _)
        && subnet.equals(lease.subnet())
        && lostTo.isEmpty()) {
      record.missing(now);
    }
    if (doubtful) {
      backoff = Optional.of(new Backoff(1, now.plus(patience(event))));
    }
  }

  /** What vanished from under the host that got our subnet is written again, if that host lives. */
  private Duration patience(LeaseEvent event) {
    return lostTo.isPresent() && event instanceof LeaseEvent.Vanished
        ? LeaseView.LINGER
        : Duration.ZERO;
  }

  /**
   * Ours is gone, or the one that is in our way. Of whatever generation: a watch that had not told
   * of our last renewal yet tells of the end of the generation before.
   */
  private boolean isDoubtful(Subnet gone) {
    return gone.equals(lease.subnet())
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

  /** Gets back the very subnet that the containers of this host have addresses of. */
  private Result claim(Subnet subnet, MacAddress mac, long generation) {
    Result result = store.acquire(draft.of(subnet, mac, generation));
    if (provisional && result instanceof Result.Done) {
      record.missing(clock.instant());
    }
    if (provisional
        && result instanceof Result.Conflict(Lease current)
        && current.hasHolderOf(lease)
        && current.subnet().equals(subnet)) {
      return first.take(current, 0);
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
        // Our own write whose answer got lost, a new generation by hand, or one from a backup.
        long next = lease.generation() + 1;
        lease = current;
        handle(first.take(current, next), now);
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
    moveAt = Instant.MAX;
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
    if (lostTo.isEmpty()) {
      moveAt = now.plus(PATIENCE);
    }
    lostTo = Optional.of(current);
    doubtful = false;
    failed(sentence(current), now);
  }

  private String sentence(Lease current) {
    String who =
        hasOurName(current)
            ? "another machine, " + current.vtep() + ", uses this host's name"
            : current.host() + " at " + current.vtep() + " holds " + current.subnet();
    return "This host lost its lease of "
        + lease.subnet()
        + ": "
        + who
        + "; containers here keep their addresses and are cut off. "
        + advice(current);
  }

  private String advice(Lease current) {
    if (hasOurName(current)) {
      return "Give the other host another name, or move the containers.";
    }
    String takeBack =
        "run \"culvert leave\" on " + current.host() + ", and this host takes its own back.";
    return isPinned()
        ? "Change \"subnet\" in this host's configuration, which asks for this one, and start it"
            + " anew, or "
            + takeBack
        : "Run \"culvert detach\" for each of them (and for bridges), and this host takes another"
            + " subnet by itself; or "
            + takeBack;
  }

  private void failed(String sentence, Instant now) {
    problem = Optional.of(sentence);
    Instant latest = now.plus(config.leaseDuration().dividedBy(TRIES_IN_A_LEASE));
    backoff =
        Optional.of(
            backoff.map(b -> b.next(now)).orElseGet(() -> Backoff.first(now)).noLaterThan(latest));
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
        && (current.vtep().equals(lease.vtep())
            || current.vtep().equals(draft.vtep(lease.vtep().mac())));
  }
}
