// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Gateway;
import dev.culvert.datapath.Identity;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vtep;
import dev.culvert.kernel.RefusedException;
import java.net.InetAddress;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * All leases of this host: one in each of the overlay's networks, each with a {@link LeaseKeeper}
 * of its own, so that losing one leaves the other alone. They name one VTEP, for a host has one
 * tunnel end. Called by the overlay's thread alone.
 */
final class Leases {
  private final NetworkAgreement agreement;
  private final List<LeaseKeeper> keepers;

  Leases(LeaseKeeper.Context context) {
    this.agreement = context.agreement();
    this.keepers =
        context.config().networks().stream()
            .map(network -> new LeaseKeeper(context, network))
            .toList();
  }

  /**
   * All or none; see {@link LeaseKeeper#obtain}.
   *
   * @param lastWord of the process before this one, by subnet
   * @throws LeaseStoreException when the store cannot be reached and the datapath lacks a subnet
   * @throws RefusedException when a network has no subnet to give
   */
  void obtain(
      Datapath.State state,
      Optional<Identity> before,
      Map<IpPrefix, Instant> lastWord,
      Instant now) {
    Optional<MacAddress> mac = Optional.empty();
    for (LeaseKeeper keeper : keepers) {
      try {
        keeper.heed(lastWord);
        keeper.obtain(state, before, mac, now);
      } catch (Throwable e) { // an Error, too, leaves nothing behind
        giveBack(e);
        throw e;
      }
      mac = Optional.of(vtep().mac());
    }
  }

  /** After a failed start: what this host did not hold before. */
  void giveBack(Throwable failure) {
    for (LeaseKeeper keeper : keepers) {
      try {
        keeper.releaseIfFresh();
      } catch (LeaseStoreException e) {
        failure.addSuppressed(e);
      }
    }
    agreement.left();
  }

  List<LeaseKeeper> keepers() {
    return keepers;
  }

  List<Lease> list() {
    return keepers.stream().map(LeaseKeeper::lease).toList();
  }

  List<Subnet> subnets() {
    return list().stream().map(Lease::subnet).toList();
  }

  /** This host's tunnel end. */
  Vtep vtep() {
    return keepers.getFirst().lease().vtep();
  }

  List<Gateway> gateways() {
    return keepers.stream()
        .map(keeper ->
            new Gateway(
                Gateway.addressIn(keeper.lease().subnet().prefix()), keeper.network().prefix()))
        .toList();
  }

  /** Whether one of them is what was kept over a reboot, and not confirmed since. */
  boolean isFromMemory() {
    return keepers.stream().anyMatch(LeaseKeeper::isFromMemory);
  }

  /** Those that nobody else has or may have. */
  List<Lease> unfenced() {
    return keepers.stream().filter(keeper -> !keeper.isFenced()).map(LeaseKeeper::lease).toList();
  }

  /** Whether this host must not carry packets of one of its subnets. */
  boolean isFenced() {
    return keepers.stream().anyMatch(LeaseKeeper::isFenced);
  }

  /** Those of its subnets that this host must not carry packets of now. */
  Set<Subnet> fenced() {
    return keepers.stream()
        .filter(LeaseKeeper::isFenced)
        .map(keeper -> keeper.lease().subnet())
        .collect(Collectors.toSet());
  }

  /** Until when each subnet is surely this host's; empty while it has not obtained all leases. */
  SortedMap<IpPrefix, Instant> sureUntil(Instant now) {
    SortedMap<IpPrefix, Instant> until = new TreeMap<>();
    for (LeaseKeeper keeper : keepers) {
      if (keeper.lease() == null) {
        return Collections.emptySortedMap();
      }
      until.put(keeper.lease().subnet().prefix(), keeper.sureUntil(now));
    }
    return until;
  }

  /** This process did not run for a while. */
  void slept(Instant now) {
    keepers.forEach(keeper -> keeper.slept(now));
  }

  /**
   * The subnets that new containers may have addresses of: all that were not lost.
   *
   * @throws RefusedException when none is left
   */
  List<IpPrefix> usable() {
    List<IpPrefix> usable =
        keepers.stream()
            .filter(keeper -> !keeper.isFenced())
            .map(keeper -> keeper.lease().subnet().prefix())
            .toList();
    if (usable.isEmpty()) {
      throw new RefusedException(
          "No container can be attached: " + keepers.getFirst().whyFenced().orElseThrow());
    }
    return usable;
  }

  /** Says in every lease that this host is elsewhere now. */
  void moveTo(InetAddress underlayAddress, Instant now) {
    keepers.forEach(keeper -> keeper.moveTo(underlayAddress, now));
  }

  /** What the leases say of this host has changed. */
  void tell(Instant now) {
    keepers.forEach(keeper -> keeper.tell(now));
  }

  void accept(LeaseEvent event, Instant now) {
    keepers.forEach(keeper -> keeper.accept(event, now));
  }

  /** When the store last took a write of this host's. */
  Optional<Instant> wroteAt() {
    return keepers.stream()
        .map(keeper -> keeper.record().wroteAt())
        .flatMap(Optional::stream)
        .max(Instant::compareTo);
  }

  /** Whether it is some time ago that the store took no writes of this host's, or it always did. */
  boolean isStoreSettled(Instant now) {
    return keepers.stream().allMatch(keeper -> keeper.record().isSettled(now));
  }

  /** See {@link OverlayTable#keepLost}. */
  Instant lostBy() {
    return keepers.stream()
        .map(keeper -> keeper.record().lostBy())
        .max(Instant::compareTo)
        .orElseThrow();
  }

  /** See {@link OverlayTable#keepLost}. */
  Instant keepLostUntil() {
    return keepers.stream().map(LeaseKeeper::keepLostUntil).max(Instant::compareTo).orElseThrow();
  }

  Instant nextDeadline() {
    return keepers.stream()
        .map(LeaseKeeper::nextDeadline)
        .min(Instant::compareTo)
        .orElse(Instant.MAX);
  }

  List<String> problems() {
    return keepers.stream()
        .flatMap(keeper -> Stream.of(keeper.whyFenced(), keeper.problem()))
        .flatMap(Optional::stream)
        .distinct()
        .toList();
  }

  /**
   * Releases all that can be released.
   *
   * @throws LeaseStoreException when one could not, with the others suppressed
   */
  void release() {
    LeaseStoreException failure = null;
    for (LeaseKeeper keeper : keepers) {
      try {
        keeper.release();
      } catch (LeaseStoreException e) {
        var told =
            new LeaseStoreException(
                "This host left, but its lease of "
                    + keeper.lease().subnet()
                    + " could not be released: "
                    + e.getMessage(),
                e);
        if (failure == null) {
          failure = told;
        } else {
          failure.addSuppressed(told);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
    agreement.left();
  }
}
