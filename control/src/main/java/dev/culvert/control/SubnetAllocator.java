// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.PoolExhaustedException;
import dev.culvert.datapath.TakenException;
import dev.culvert.datapath.Vni;
import dev.culvert.kernel.RefusedException;
import java.math.BigInteger;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Which subnet a host should lease. Pure: it looks at nothing but its arguments.
 *
 * <p>The network's first subnet (10.244.0.0/24 of 10.244.0.0/16) is left out unless it is asked for
 * or is the only one, as flannel does: its first address is the network's own, which people and
 * tools read as "the network". So the first host gets 10.244.1.0/24.
 */
final class SubnetAllocator {
  private SubnetAllocator() {}

  /**
   * Who asks for what.
   *
   * @param length of the subnet
   * @param wanted this very subnet or none
   * @param previous what the host had before: taken if it is free
   * @param reservations what is not for everybody
   */
  record Request(
      HostName host,
      Vni vni,
      IpPrefix network,
      int length,
      Optional<IpPrefix> wanted,
      Optional<IpPrefix> previous,
      Reservations reservations) {
    /** The subnet that the host has to have: reserved for it, or asked for. */
    Optional<IpPrefix> only() {
      return reservations.of(host, network).or(() -> wanted);
    }
  }

  /** The answer. */
  sealed interface Choice {
    /** The host has a lease within the network already. */
    record Held(Lease lease) implements Choice {}

    /** Nobody has it, as far as these leases say. */
    record Free(IpPrefix prefix) implements Choice {}
  }

  /**
   * The lease that the host holds already, else the subnet that is reserved for it, else the wanted
   * one, else the previous one if it is free, else the lowest that is free.
   *
   * @throws RefusedException when the wanted subnet is taken or not for this host, or none is free
   */
  static Choice choose(Request request, Collection<Lease> leases) {
    List<Lease> ours =
        leases.stream()
            .filter(lease -> lease.subnet().vni().equals(request.vni()))
            .sorted(Comparator.comparing(Lease::subnet))
            .toList();
    Optional<Lease> held =
        ours.stream()
            .filter(lease -> lease.host().equals(request.host()))
            .filter(lease -> Prefixes.contains(request.network(), lease.subnet().prefix()))
            .findFirst();
    if (held.isPresent()) {
      return new Choice.Held(held.get());
    }
    request.wanted().ifPresent(wanted -> checkReservations(request, wanted));
    if (request.only().isPresent()) {
      return new Choice.Free(wanted(request.only().get(), ours));
    }
    return new Choice.Free(
        request
            .previous()
            .filter(previous -> Prefixes.contains(request.network(), previous))
            .filter(previous -> taker(previous, ours).isEmpty())
            .filter(previous -> request.reservations().forbids(request.host(), previous).isEmpty())
            .orElseGet(() -> lowestFree(request, ours)));
  }

  private static void checkReservations(Request request, IpPrefix wanted) {
    request
        .reservations()
        .of(request.host(), request.network())
        .filter(reserved -> !reserved.equals(wanted))
        .ifPresent(reserved -> {
          throw new RefusedException(
              "The wanted subnet %s is not the one that the network in the store reserves for %s, %s; ask for that one, or for none."
                  .formatted(wanted, request.host(), reserved));
        });
    request
        .reservations()
        .forbids(request.host(), wanted)
        .ifPresent(why -> {
          throw new TakenException(
              "The wanted subnet %s is %s, as the network in the store says; ask for another subnet, or for none."
                  .formatted(wanted, why));
        });
  }

  private static IpPrefix wanted(IpPrefix wanted, List<Lease> leases) {
    taker(wanted, leases)
        .ifPresent(lease -> {
          throw new TakenException(
              "The wanted subnet "
                  + wanted
                  + " is taken: "
                  + lease.host()
                  + " holds "
                  + lease.subnet()
                  + "; ask for another subnet, or for none.");
        });
    return wanted;
  }

  private static Optional<Lease> taker(IpPrefix prefix, List<Lease> leases) {
    return leases.stream().filter(lease -> lease.subnet().prefix().overlaps(prefix)).findFirst();
  }

  /** Walks the taken ranges in order, so that the cost grows with leases and not with addresses. */
  private static IpPrefix lowestFree(Request request, List<Lease> leases) {
    IpPrefix network = request.network();
    BigInteger step = Prefixes.size(network, request.length());
    BigInteger end = Prefixes.end(network);
    BigInteger candidate = Prefixes.first(network);
    if (request.length() > network.length()) {
      candidate = candidate.add(step);
    }
    for (IpPrefix taken : takenInOrder(request, leases)) {
      if (!taken.overlaps(network) || Prefixes.end(taken).compareTo(candidate) <= 0) {
        continue;
      }
      if (Prefixes.first(taken).compareTo(candidate.add(step)) >= 0) {
        break;
      }
      candidate = roundUp(Prefixes.end(taken), step);
    }
    if (candidate.compareTo(end) >= 0) {
      throw new PoolExhaustedException(
          "The network "
              + network
              + " has no free subnet of length /"
              + request.length()
              + " for "
              + request.host()
              + ": "
              + leases.size()
              + (request.reservations().closedTo(request.host()).findAny().isPresent()
                  ? " leases and what is reserved"
                  : " leases")
              + " fill it; release those of hosts that are gone, or choose a larger network.");
    }
    return new IpPrefix(Prefixes.address(network.family(), candidate), request.length());
  }

  private static List<IpPrefix> takenInOrder(Request request, List<Lease> leases) {
    return Stream.concat(
            leases.stream().map(lease -> lease.subnet().prefix()),
            request.reservations().closedTo(request.host()))
        .filter(taken -> taken.family() == request.network().family())
        .sorted(Comparator.comparing(Prefixes::first))
        .toList();
  }

  private static BigInteger roundUp(BigInteger number, BigInteger step) {
    return number.add(step).subtract(BigInteger.ONE).divide(step).multiply(step);
  }
}
