// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Change;
import dev.culvert.datapath.Change.PutLocal;
import dev.culvert.datapath.Change.PutRemote;
import dev.culvert.datapath.Change.RemoveSubnet;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import dev.culvert.datapath.Wire;
import dev.culvert.kernel.IpAddresses;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Desired against actual, for the subnets of one overlay, of both IP families. Pure: no clock, no
 * store, no kernel; the same inputs in any order end in the same entries. Whole values are
 * compared, so a changed VTEP or next hop counts as much as a new subnet. Entries of other VNIs are
 * left alone.
 *
 * <p>Used by one thread.
 */
final class OverlayTable {
  /**
   * What does not change while the overlay runs.
   *
   * @param networks one for each IP family
   * @param leaseDuration how long a lease lasts whose holder does not say it
   */
  record Settings(
      HostName host,
      Vni vni,
      List<IpPrefix> networks,
      boolean directRouting,
      Duration leaseDuration) {}

  /** A change that failed, and when it is tried again. */
  private record Pending(Change change, String reason, Backoff backoff) {}

  /** What one lease asks for: an entry, or why there is none. */
  private sealed interface Wish {
    record Entry(RemoteSubnet remote) implements Wish {}

    record Refused(String problem) implements Wish {}

    /** Neither: leave the datapath as it is. */
    record Undecided() implements Wish {}
  }

  private final Settings settings;
  private final LeaseView view = new LeaseView();

  /** The leases of this overlay. */
  private final LeaseIndex index;

  private final Map<InetAddress, Optional<NextHop>> nextHops = new HashMap<>();

  /** VTEPs that nobody looked up yet. */
  private final Set<InetAddress> unknown = new HashSet<>();

  /**
   * By subnet, the change that would make the entry that is there: PutLocal or PutRemote. Written
   * by one thread; the lock is for others that read.
   */
  private final SortedMap<Subnet, Change> actual = new TreeMap<>();

  /** What is to be looked at again: something changed that its entry depends on. */
  private final Set<Subnet> dirty = new HashSet<>();

  /** All is. */
  private boolean allDirty = true;

  /** Leases that are not followed. */
  private final Refusals refusals;

  private final SortedMap<Subnet, Pending> pending = new TreeMap<>();
  private List<Lease> own = List.of();
  private Changeover.Ways ways;

  /** Our subnets that we must not carry packets of. */
  private Set<Subnet> fenced = Set.of();

  /** The bridge that leads to a subnet's containers, also while its entry is not there. */
  private final Map<Subnet, Integer> bridges = new HashMap<>();

  /** Found in the datapath when this process began, and no event has spoken of them since. */
  private final Set<Subnet> found = new HashSet<>();

  /** What vanished from the store by then counts until {@link #keepUntil}. */
  private Instant lostBy = Instant.MIN;

  private Instant keepUntil = Instant.MIN;

  /** Whether it was before {@link #keepUntil} when changes were asked for last. */
  private boolean kept;

  OverlayTable(Settings settings) {
    this.settings = settings;
    this.refusals = new Refusals(settings.networks());
    this.index = new LeaseIndex(settings.host(), this::ends);
    Changeover.Way way =
        new Changeover.Way(
            new Wire(Vtep.VXLAN_PORT, settings.vni()),
            settings.directRouting()); // a lease's counts
    this.ways = new Changeover.Ways(0, way, way, true);
  }

  /** How packets travel from now on; the ports are those of the leases. */
  void setWays(Changeover.Ways other) {
    ways = other;
    allDirty = true;
  }

  /** What the datapath held when this process began. */
  void setFound(Datapath.State state) {
    setActual(state);
    remotes().forEach(remote -> found.add(remote.subnet()));
  }

  /**
   * The store lost this host's own lease, so what else it does not hold may be a living host's: all
   * that vanished by one moment, or was never seen, stays until another.
   */
  void keepLost(Instant vanishedBy, Instant until) {
    lostBy = vanishedBy;
    keepUntil = until;
  }

  /** Whether containers behind a bridge have addresses of a subnet of ours. */
  boolean hasBridge(Subnet subnet) {
    return bridges.getOrDefault(subnet, 0) != 0;
  }

  /** What the datapath holds. */
  void setActual(Datapath.State state) {
    synchronized (actual) {
      actual.clear();
      take(state);
    }
    allDirty = true;
  }

  private void take(Datapath.State state) {
    state.locals().stream()
        .filter(local -> isOurs(local.subnet()))
        .forEach(local -> {
          actual.put(local.subnet(), new PutLocal(local));
          bridges.put(local.subnet(), local.bridgeIndex());
        });
    state.remotes().stream()
        .filter(remote -> isOurs(remote.subnet()))
        .forEach(remote -> actual.put(remote.subnet(), new PutRemote(remote)));
  }

  /**
   * This host's own leases: their subnets become local, their VTEP the sender to all others.
   *
   * @param fencedOff those of their subnets that another host has or may have: they are not local,
   *     and nothing of their IP family is sent to other hosts
   */
  void setOwn(List<Lease> leases, Set<Subnet> fencedOff) {
    boolean same = fenced.equals(fencedOff) && places(own).equals(places(leases));
    own = List.copyOf(leases);
    refusals.setOwn(own);
    fenced = Set.copyOf(fencedOff);
    if (!same) {
      allDirty = true;
      refusals.touch(index.subnets());
    }
  }

  /** What of a lease other entries depend on. */
  private static List<Object> places(List<Lease> leases) {
    return leases.stream()
        .flatMap(lease -> Stream.<Object>of(lease.subnet(), lease.vtep()))
        .toList();
  }

  /** The store's events follow; see {@link LeaseView#restart}. */
  void restartEvents() {
    view.restart();
  }

  void accept(LeaseEvent event, Instant now) {
    boolean synced = view.isSynced();
    view.accept(event, now);
    view.forgetVanished(now, keepUntil);
    allDirty |= synced != view.isSynced();
    view.takeTouched().forEach(this::touch);
    switch (event) {
      case LeaseEvent.Snapshot(long _, List<Lease> leases) ->
          leases.forEach(lease -> found.remove(lease.subnet()));
      case LeaseEvent.Announced(long _, Lease lease) -> found.remove(lease.subnet());
      case LeaseEvent.Withdrawn(long _, Subnet subnet, long _) -> found.remove(subnet);
      case LeaseEvent.Vanished(long _, Subnet subnet, long _) -> found.remove(subnet);
    }
  }

  private void touch(Subnet subnet) {
    dirty.add(subnet);
    if (isOurs(subnet)) {
      index.put(subnet, view.known(subnet));
      refusals.touch(Set.of(subnet));
      view.known(subnet)
          .map(known -> known.lease())
          .filter(this::isForeign)
          .map(lease -> lease.vtep().address())
          .filter(address -> !nextHops.containsKey(address))
          .ifPresent(unknown::add);
    }
  }

  long revision() {
    return view.revision();
  }

  boolean isSynced() {
    return view.isSynced();
  }

  /** What the store holds of this overlay, ours included. */
  List<Lease> leases() {
    return view.known().stream()
        .map(LeaseView.Known::lease)
        .filter(lease -> isOurs(lease.subnet()))
        .toList();
  }

  /** Other hosts' leases as the store has them, and since when they are as they are. */
  List<LeaseView.Known> others() {
    return view.known().stream().filter(known -> isForeign(known.lease())).toList();
  }

  /** Whether a lease says another time than the one that is known of its subnet. */
  boolean isRenewal(Lease lease) {
    return view.known(lease.subnet())
        .filter(k -> !k.lease().term().equals(lease.term()))
        .isPresent();
  }

  /** What the store lost and stays nevertheless. */
  List<Lease> lingering(Instant now) {
    return view.lingering(now, lostBy, keepUntil).stream()
        .map(LeaseView.Known::lease)
        .filter(this::isForeign)
        .toList();
  }

  void setNextHop(InetAddress underlayAddress, Optional<NextHop> nextHop) {
    unknown.remove(underlayAddress);
    if (!nextHop.equals(nextHops.put(underlayAddress, nextHop))) {
      dirty.addAll(index.behind(underlayAddress));
      dirty.addAll(found);
    }
  }

  /** The VTEPs' addresses that next hops are needed for. */
  Set<InetAddress> underlayAddresses() {
    Set<InetAddress> addresses = new HashSet<>(index.vteps());
    unlisted().forEach(remote -> addresses.add(remote.remote().address()));
    return addresses;
  }

  /** Those of {@link #underlayAddresses} that nobody looked up yet. */
  Set<InetAddress> unknownNextHops() {
    unknown.retainAll(index.vteps()); // some are gone again
    Set<InetAddress> addresses = new HashSet<>(unknown);
    unlisted().stream()
        .map(remote -> remote.remote().address())
        .filter(address -> !nextHops.containsKey(address))
        .forEach(addresses::add);
    return addresses;
  }

  /**
   * What to do now: additions first, so that a subnet that moves is never without an entry. Failed
   * changes are left out until their time comes.
   *
   * @param judgement by what other hosts' leases end
   */
  List<Change> changes(Judgement judgement) {
    Instant now = judgement.now();
    if (own.isEmpty()) {
      return new ArrayList<>();
    }
    List<PutLocal> locals = new ArrayList<>();
    List<PutRemote> remotes = new ArrayList<>();
    List<RemoveSubnet> removals = new ArrayList<>();
    for (Subnet subnet : toLookAt(now)) {
      Optional<Change> desired = desired(subnet, judgement).map(this::fencedOff);
      Change there = actual.get(subnet);
      if (desired.isEmpty() ? there == null : desired.get().equals(there)) {
        pending.remove(subnet); // what nobody wants any more need not be retried
        continue;
      }
      switch (desired.orElseGet(() -> new RemoveSubnet(subnet))) {
        case PutLocal put -> locals.add(put);
        case PutRemote put -> remotes.add(put);
        case RemoveSubnet removal -> removals.add(removal);
        case Change endpoint -> throw new IllegalStateException(endpoint.toString());
      }
    }
    List<Change> changes = new ArrayList<>(locals);
    changes.addAll(remotes);
    changes.addAll(removals);
    changes.removeIf(change -> isWaiting(change, now));
    if (changes.isEmpty()) {
      lookedAt();
    }
    return changes;
  }

  /** All that may have another entry than it should, in order. */
  private NavigableSet<Subnet> toLookAt(Instant now) {
    boolean keeps = now.isBefore(keepUntil);
    allDirty |= keeps != kept;
    kept = keeps;
    NavigableSet<Subnet> some = new TreeSet<>(dirty);
    some.addAll(pending.keySet());
    some.addAll(view.vanished());
    index.watchedBy(now).forEach(some::add);
    if (allDirty) {
      some.addAll(actual.keySet());
      some.addAll(index.subnets());
      own.forEach(lease -> some.add(lease.subnet()));
    }
    return some;
  }

  /** What could be done was done; what failed is pending. */
  private void lookedAt() {
    dirty.clear();
    allDirty = false;
  }

  /** What became of {@link #changes}. */
  void applied(List<Change> changes, List<Datapath.Failure> failures, Instant now) {
    Map<Change, RuntimeException> causes = new HashMap<>();
    failures.forEach(failure -> causes.put(failure.change(), failure.cause()));
    for (Change change : changes) {
      Subnet subnet = subnet(change);
      RuntimeException cause = causes.get(change);
      if (cause != null) {
        pending.merge(
            subnet,
            new Pending(change, reason(cause), Backoff.first(now)),
            (old, fresh) -> new Pending(change, fresh.reason(), old.backoff().next(now)));
      } else {
        pending.remove(subnet);
        synchronized (actual) {
          if (change instanceof RemoveSubnet) {
            actual.remove(subnet);
            found.remove(subnet);
          } else {
            actual.put(subnet, change);
          }
        }
      }
    }
    lookedAt();
  }

  /** When {@link #changes} should be asked again though nothing was heard. */
  Optional<Instant> nextDeadline(Instant now) {
    Instant earliest = null;
    for (Pending waiting : pending.values()) {
      earliest = earlier(earliest, waiting.backoff().retryAt());
    }
    Optional<Instant> end = index.nextWatched(now);
    if (end.isPresent()) {
      earliest = earlier(earliest, end.get());
    }
    return Optional.of(earlier(earliest, view.lingersUntil(now)));
  }

  /** What the datapath holds, as far as we know. Any thread may ask. */
  List<RemoteSubnet> remotes() {
    synchronized (actual) {
      return actual.values().stream()
          .filter(PutRemote.class::isInstance)
          .map(change -> ((PutRemote) change).remote())
          .toList();
    }
  }

  /** Changes that failed, one sentence each. */
  List<String> pending() {
    return pending.values().stream()
        .map(waiting ->
            describe(waiting.change())
                + " failed "
                + waiting.backoff().failures()
                + " times, next try at "
                + waiting.backoff().retryAt()
                + ": "
                + waiting.reason())
        .toList();
  }

  /** Leases that cannot be followed, one sentence each. */
  List<String> problems() {
    return refusals.sentences(
        subnet -> view.known(subnet).map(LeaseView.Known::lease).filter(this::isForeign));
  }

  /** Other hosts' leases that ended before some time on the wall. */
  List<LeaseView.Known> expiredBefore(Instant wall) {
    return index.expiredBefore(wall);
  }

  /** See {@link SharedVteps}. */
  List<String> sharedVteps() {
    return index.sharedVteps();
  }

  /** Leases of this host's name. */
  List<Lease> namesakes() {
    return index.namesakes();
  }

  /** Whether a lease counts no more: see {@link Judgement}. */
  boolean isOver(LeaseView.Known known, Judgement judgement) {
    if (known.lease().isStatic()) {
      return false;
    }
    Duration lasts = lasts(known.lease());
    Instant wallEnd = known.lease().expires().orElseThrow().plus(grace(lasts));
    return judgement.wall().isAfter(wallEnd)
        && !judgement.now().isBefore(ends(known).orElseThrow())
        && judgement.proven().filter(at -> !at.isBefore(known.since().plus(lasts))).isPresent();
  }

  /** When this host will have watched it for long enough; empty for a static lease. */
  Optional<Instant> ends(LeaseView.Known known) {
    Duration lasts = lasts(known.lease());
    return known.lease().expires().map(_ -> known.since().plus(lasts).plus(grace(lasts)));
  }

  private Duration lasts(Lease lease) {
    return lease.term().map(term -> term.length(settings.leaseDuration())).orElse(Duration.ZERO);
  }

  /** How much longer than they say leases count: a renewal may be under way. */
  static Duration grace(Duration lasts) {
    return lasts.dividedBy(2);
  }

  /** What the entry of a subnet should be; empty where there should be none. */
  private Optional<Change> desired(Subnet subnet, Judgement judgement) {
    Optional<Lease> mine = own.stream().filter(lease -> lease.subnet().equals(subnet)).findFirst();
    if (mine.isPresent() && !fenced.contains(subnet)) {
      return Optional.of(new PutLocal(new LocalSubnet(subnet, bridges.getOrDefault(subnet, 0))));
    }
    Optional<Lease> followed = followed(subnet, judgement);
    Optional<Change> there = Optional.ofNullable(actual.get(subnet));
    Optional<Change> entry =
        followed.isEmpty()
            ? Optional.empty()
            : switch (wish(followed.get())) {
              case Wish.Entry(RemoteSubnet remote) -> Optional.of(new PutRemote(remote));
              case Wish.Undecided() -> there;
              case Wish.Refused(_) -> Optional.empty();
            };
    if (entry.isPresent() || (view.isSynced() && !kept)) {
      return entry;
    }
    // Until the store speaks, what was found stays, and follows routes and our own VTEP.
    return there
        .filter(_ -> isUnlisted(subnet))
        .map(change -> ((PutRemote) change).remote())
        .map(found -> new PutRemote(remote(found).orElse(found)));
  }

  /** A host without a right to its subnet sends nothing from it: its entries lead nowhere. */
  private Change fencedOff(Change change) {
    if (!(change instanceof PutRemote(RemoteSubnet remote))
        || fenced.stream()
            .noneMatch(own -> own.prefix().family() == remote.subnet().prefix().family())) {
      return change;
    }
    return new PutRemote(
        new RemoteSubnet(
            remote.subnet(),
            remote.local(),
            remote.remote(),
            Optional.empty(),
            false,
            false,
            remote.wireVni()));
  }

  private Wish wish(Lease lease) {
    Optional<String> refusal = refusals.of(lease);
    if (refusal.isPresent()) {
      return new Wish.Refused(refusal.get());
    }
    Optional<RemoteSubnet> remote = remote(lease.subnet(), lease.vtep(), ways.to(lease.stage()));
    return remote.isPresent() ? new Wish.Entry(remote.get()) : new Wish.Undecided();
  }

  private Vtep ownVtep() {
    return own.getFirst().vtep();
  }

  /** As it was found, but for routes and our own VTEP. */
  private Optional<RemoteSubnet> remote(RemoteSubnet found) {
    boolean wasOnLink = found.nextHop().filter(NextHop::onLink).isPresent();
    Wire wire = new Wire(found.remote().port(), found.wireVni());
    boolean direct = wasOnLink ? found.direct() : ways.now().direct();
    return remote(found.subnet(), found.remote(), new Changeover.Way(wire, direct));
  }

  /** Empty when nobody looked up the next hop yet. */
  private Optional<RemoteSubnet> remote(Subnet subnet, Vtep vtep, Changeover.Way way) {
    Optional<NextHop> nextHop = nextHops.get(vtep.address());
    if (nextHop == null) {
      return Optional.empty();
    }
    // A bare packet needs a next hop of its own family.
    boolean possible =
        nextHop.isPresent()
            && nextHop.get().onLink()
            && subnet.prefix().family() == IpFamily.of(vtep.address());
    boolean direct = possible && way.direct();
    boolean bareToo = possible && !direct && ways.mayComeBare();
    return Optional.of(
        new RemoteSubnet(subnet, ownVtep(), vtep, nextHop, direct, bareToo, way.wire().vni()));
  }

  /** Where the others are that leases count of, while the network changes. */
  Changeover.Peers peers(Judgement judgement) {
    long number = ways.number();
    List<Lease> leases = new ArrayList<>(lingering(judgement.now()));
    others().stream()
        .filter(known -> !isOver(known, judgement))
        .forEach(known -> leases.add(known.lease()));
    return new Changeover.Peers(
        view.isSynced() && pending.isEmpty() && changes(judgement).isEmpty(),
        hosts(leases, lease -> lease.stage().accepts() < number),
        hosts(leases, lease -> lease.stage().sends() < number));
  }

  private static List<HostName> hosts(List<Lease> leases, Predicate<Lease> which) {
    return leases.stream().filter(which).map(Lease::host).distinct().sorted().toList();
  }

  private Optional<Lease> followed(Subnet subnet, Judgement judgement) {
    return view.known(subnet)
        .filter(known -> isForeign(known.lease()))
        .filter(known -> !isOver(known, judgement))
        .or(() -> view.lingering(subnet, judgement.now(), lostBy, keepUntil))
        .map(LeaseView.Known::lease)
        .filter(this::isForeign);
  }

  private boolean isForeign(Lease lease) {
    return isOurs(lease.subnet()) && !lease.host().equals(settings.host());
  }

  /** Entries that were found and that no event spoke of. */
  private List<RemoteSubnet> unlisted() {
    return found.stream()
        .filter(this::isUnlisted)
        .map(subnet -> ((PutRemote) actual.get(subnet)).remote())
        .toList();
  }

  private boolean isUnlisted(Subnet subnet) {
    return found.contains(subnet)
        && actual.get(subnet) instanceof PutRemote
        && refusals.overlapped(subnet.prefix()).isEmpty();
  }

  private boolean isOurs(Subnet subnet) {
    return subnet.vni().equals(settings.vni());
  }

  private boolean isWaiting(Change change, Instant now) {
    Pending waiting = pending.get(subnet(change));
    return waiting != null && waiting.change().equals(change) && !waiting.backoff().isDue(now);
  }

  private static Instant earlier(Instant one, Instant other) {
    return one == null || other.isBefore(one) ? other : one;
  }

  private static Subnet subnet(Change change) {
    return switch (change) {
      case PutRemote(RemoteSubnet remote) -> remote.subnet();
      case PutLocal(LocalSubnet local) -> local.subnet();
      case RemoveSubnet(Subnet subnet) -> subnet;
      case Change.PutEndpoint _, Change.RemoveEndpoint _ ->
          throw new IllegalArgumentException("endpoints have no subnet entry");
    };
  }

  private static String describe(Change change) {
    return switch (change) {
      case PutRemote(RemoteSubnet remote) ->
          "Writing " + remote.subnet() + " -> " + IpAddresses.text(remote.remote().address());
      case PutLocal(LocalSubnet local) -> "Writing this host's own subnet " + local.subnet();
      default -> "Removing " + subnet(change);
    };
  }

  private static String reason(RuntimeException cause) {
    return cause.getMessage() != null ? cause.getMessage() : cause.toString();
  }
}
