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
import dev.culvert.kernel.IpAddresses;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

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
   * @param grace how much longer than they say other hosts' leases count
   */
  record Settings(
      HostName host, Vni vni, List<IpPrefix> networks, boolean directRouting, Duration grace) {}

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
  private final Map<InetAddress, Optional<NextHop>> nextHops = new HashMap<>();

  /** By subnet, the change that would make the entry that is there: PutLocal or PutRemote. */
  private final SortedMap<Subnet, Change> actual = new TreeMap<>();

  private final SortedMap<Subnet, Pending> pending = new TreeMap<>();
  private List<Lease> own = List.of();

  /** Our subnets that we must not carry packets of. */
  private Set<Subnet> fenced = Set.of();

  /** The bridge that leads to a subnet's containers, also while its entry is not there. */
  private final Map<Subnet, Integer> bridges = new HashMap<>();

  OverlayTable(Settings settings) {
    this.settings = settings;
  }

  /** What the datapath was found to hold. */
  void setActual(Datapath.State state) {
    actual.clear();
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
    own = List.copyOf(leases);
    fenced = Set.copyOf(fencedOff);
  }

  /** The store's events follow; see {@link LeaseView#restart}. */
  void restartEvents() {
    view.restart();
  }

  void accept(LeaseEvent event) {
    view.accept(event);
  }

  long revision() {
    return view.revision();
  }

  boolean isSynced() {
    return view.isSynced();
  }

  /** What the store holds of this overlay, ours included. */
  List<Lease> leases() {
    return view.leases().stream().filter(lease -> isOurs(lease.subnet())).toList();
  }

  void setNextHop(InetAddress underlayAddress, Optional<NextHop> nextHop) {
    nextHops.put(underlayAddress, nextHop);
  }

  /** The VTEPs' addresses that next hops are needed for. */
  Set<InetAddress> underlayAddresses() {
    Set<InetAddress> addresses = new java.util.HashSet<>();
    foreign().forEach(lease -> addresses.add(lease.vtep().address()));
    if (!view.isSynced()) {
      unlisted().forEach(remote -> addresses.add(remote.remote().address()));
    }
    return addresses;
  }

  /** Those of {@link #underlayAddresses} that nobody looked up yet. */
  Set<InetAddress> unknownNextHops() {
    Set<InetAddress> addresses = underlayAddresses();
    addresses.removeAll(nextHops.keySet());
    return addresses;
  }

  /**
   * What to do now: additions first, so that a subnet that moves is never without an entry. Failed
   * changes are left out until their time comes.
   *
   * @param mayExpire whether other hosts' leases may end by their time: not while the store cannot
   *     be reached, because then nobody could tell us of their renewal
   */
  List<Change> changes(Instant now, boolean mayExpire) {
    SortedMap<Subnet, Change> desired = desired(now, mayExpire);
    List<Change> changes = new ArrayList<>();
    desired.values().stream().filter(PutLocal.class::isInstance).forEach(changes::add);
    desired.values().stream().filter(PutRemote.class::isInstance).forEach(changes::add);
    changes.removeIf(change -> change.equals(actual.get(subnet(change))));
    if (!own.isEmpty()) {
      actual.keySet().stream()
          .filter(subnet -> !desired.containsKey(subnet))
          .forEach(subnet -> changes.add(new RemoveSubnet(subnet)));
    }
    Set<Subnet> touched = new TreeSet<>();
    changes.forEach(change -> touched.add(subnet(change)));
    pending.keySet().retainAll(touched); // what nobody wants any more need not be retried
    changes.removeIf(change -> isWaiting(change, now));
    return changes;
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
        if (change instanceof RemoveSubnet) {
          actual.remove(subnet);
        } else {
          actual.put(subnet, change);
        }
      }
    }
  }

  /** When {@link #changes} should be asked again though nothing was heard. */
  Optional<Instant> nextDeadline(Instant now) {
    Instant earliest = null;
    for (Pending waiting : pending.values()) {
      earliest = earlier(earliest, waiting.backoff().retryAt());
    }
    for (Lease lease : foreign()) {
      Optional<Instant> end = lease.expires().map(expires -> expires.plus(settings.grace()));
      if (end.isPresent() && end.get().isAfter(now)) {
        earliest = earlier(earliest, end.get());
      }
    }
    return Optional.ofNullable(earliest);
  }

  /** What the datapath holds, as far as we know. */
  List<RemoteSubnet> remotes() {
    return actual.values().stream()
        .filter(PutRemote.class::isInstance)
        .map(change -> ((PutRemote) change).remote())
        .toList();
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
    List<String> problems = new ArrayList<>();
    for (Lease lease : foreign()) {
      if (wish(lease) instanceof Wish.Refused(String problem)) {
        problems.add(problem);
      }
    }
    return problems;
  }

  private SortedMap<Subnet, Change> desired(Instant now, boolean mayExpire) {
    SortedMap<Subnet, Change> desired = new TreeMap<>();
    if (own.isEmpty()) {
      return desired;
    }
    for (Lease lease : own) {
      Subnet subnet = lease.subnet();
      if (!fenced.contains(subnet)) {
        int bridge = bridges.getOrDefault(subnet, 0);
        desired.put(subnet, new PutLocal(new LocalSubnet(subnet, bridge)));
      }
    }
    for (Lease lease : foreign()) {
      Change there = actual.get(lease.subnet());
      if (isOver(lease, now) && (mayExpire || there == null)) {
        continue;
      }
      switch (wish(lease)) {
        case Wish.Entry(RemoteSubnet remote) -> desired.put(lease.subnet(), new PutRemote(remote));
        case Wish.Undecided() when there != null -> desired.put(lease.subnet(), there);
        case Wish.Undecided(), Wish.Refused(_) -> {}
      }
    }
    if (!view.isSynced()) {
      // Until the store speaks, what was found stays, and follows routes and our own VTEP.
      for (RemoteSubnet found : unlisted()) {
        desired.putIfAbsent(
            found.subnet(), new PutRemote(remote(found.subnet(), found.remote()).orElse(found)));
      }
    }
    desired.replaceAll((subnet, change) -> fencedOff(change));
    return desired;
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
            remote.subnet(), remote.local(), remote.remote(), Optional.empty(), false));
  }

  private Wish wish(Lease lease) {
    Optional<String> refusal = refusal(lease);
    if (refusal.isPresent()) {
      return new Wish.Refused(refusal.get());
    }
    Optional<RemoteSubnet> remote = remote(lease.subnet(), lease.vtep());
    return remote.isPresent() ? new Wish.Entry(remote.get()) : new Wish.Undecided();
  }

  /** Why a lease must not become an entry, whoever wrote it. */
  private Optional<String> refusal(Lease lease) {
    if (own.isEmpty()) {
      return Optional.empty();
    }
    IpPrefix prefix = lease.subnet().prefix();
    InetAddress address = lease.vtep().address();
    InetAddress ownAddress = ownVtep().address();
    Optional<Subnet> overlapped = overlapped(prefix);
    String why = null;
    if (overlapped.isPresent()) {
      why = "it overlaps this host's own subnet " + overlapped.get();
    } else if (settings.networks().stream().noneMatch(n -> Prefixes.contains(n, prefix))) {
      why = "it is outside the network " + networks();
    } else if (settings.networks().stream().anyMatch(n -> n.contains(address))) {
      why = "its VTEP " + IpAddresses.text(address) + " lies inside the overlay network";
    } else if (address.equals(ownAddress)) {
      why = "its VTEP " + IpAddresses.text(address) + " is this host's own underlay address";
    } else if (IpFamily.of(address) != IpFamily.of(ownAddress)) {
      why = "its VTEP " + IpAddresses.text(address) + " is of another IP family than this host's";
    }
    return Optional.ofNullable(why)
        .map(reason -> "The lease of " + lease + " is not followed: " + reason + ".");
  }

  private Optional<Subnet> overlapped(IpPrefix prefix) {
    return own.stream()
        .map(Lease::subnet)
        .filter(subnet -> subnet.prefix().overlaps(prefix))
        .findFirst();
  }

  private Vtep ownVtep() {
    return own.getFirst().vtep();
  }

  private String networks() {
    return settings.networks().stream()
        .map(IpPrefix::toString)
        .collect(Collectors.joining(" and "));
  }

  /** Empty when nobody looked up the next hop yet. */
  private Optional<RemoteSubnet> remote(Subnet subnet, Vtep vtep) {
    Optional<NextHop> nextHop = nextHops.get(vtep.address());
    if (nextHop == null) {
      return Optional.empty();
    }
    // A bare packet needs a next hop of its own family.
    boolean direct =
        settings.directRouting()
            && nextHop.isPresent()
            && nextHop.get().onLink()
            && subnet.prefix().family() == IpFamily.of(vtep.address());
    return Optional.of(new RemoteSubnet(subnet, ownVtep(), vtep, nextHop, direct));
  }

  private List<Lease> foreign() {
    return leases().stream().filter(lease -> !lease.host().equals(settings.host())).toList();
  }

  /** Entries that were found and that no event spoke of. */
  private List<RemoteSubnet> unlisted() {
    return remotes().stream()
        .filter(remote -> !view.contains(remote.subnet()))
        .filter(remote -> overlapped(remote.subnet().prefix()).isEmpty())
        .toList();
  }

  private boolean isOurs(Subnet subnet) {
    return subnet.vni().equals(settings.vni());
  }

  private boolean isOver(Lease lease, Instant now) {
    return lease.isExpired(now.minus(settings.grace()));
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
