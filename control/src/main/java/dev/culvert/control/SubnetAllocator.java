// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.PoolExhaustedException;
import dev.culvert.datapath.TakenException;
import dev.culvert.datapath.Vni;
import dev.culvert.kernel.RefusedException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/**
 * Which subnet a host should lease. Pure: it looks at nothing but its arguments.
 *
 * <p>The network's first subnet (10.244.0.0/24 of 10.244.0.0/16) is left out unless it is asked for
 * or is the only one, as flannel does: its first address is the network's own, which people and
 * tools read as "the network". So the first host gets 10.244.1.0/24.
 */
final class SubnetAllocator {
  /** So many hosts may ask in one moment, and hardly any of them has to ask twice. */
  static final int SPARES = 15;

  /**
   * Of these, how many are the next ones: where a few hosts come at once, people find the subnets
   * of theirs in a row.
   */
  static final int NEXT = 3;

  /** In a network that is nearly full, looking for more spares would not be worth it. */
  private static final int LOOKS = 4 * SPARES;

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

    /**
     * Nobody has it, as far as these leases say.
     *
     * @param spares other free ones, for the case that somebody is first; another host asks for
     *     others, so that many hosts which ask in one moment do not all want the same
     */
    record Free(IpPrefix prefix, List<IpPrefix> spares) implements Choice {
      /** This one or none. */
      Free(IpPrefix prefix) {
        this(prefix, List.of());
      }
    }
  }

  /**
   * The lease that the host holds already, else the subnet that is reserved for it, else the wanted
   * one, else the previous one if it is free, else the lowest that is free, with spares.
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
    return request
        .previous()
        .filter(previous -> Prefixes.contains(request.network(), previous))
        .filter(previous -> taker(previous, ours).isEmpty())
        .filter(previous -> request.reservations().forbids(request.host(), previous).isEmpty())
        .map(Choice.Free::new)
        .orElseGet(() -> anyFree(request, ours));
  }

  private static Choice.Free anyFree(Request request, List<Lease> leases) {
    List<IpPrefix> taken = takenInOrder(request, leases);
    IpPrefix lowest =
        lowestFree(request, taken, Prefixes.first(request.network()))
            .orElseThrow(() -> full(request, leases));
    return new Choice.Free(lowest, spares(request, taken, lowest));
  }

  /**
   * The next free ones, and then others in an order that each host's name makes anew; few or none
   * where the network is full.
   */
  private static List<IpPrefix> spares(Request request, List<IpPrefix> taken, IpPrefix lowest) {
    IpPrefix network = request.network();
    int bits = Math.min(request.length() - network.length(), Long.SIZE - 2);
    BigInteger step = Prefixes.size(network, request.length());
    SplittableRandom random = new SplittableRandom(seed(request.host()));
    List<IpPrefix> spares = next(request, taken, lowest);
    for (int i = 0; bits > 0 && i < LOOKS && spares.size() < SPARES; i++) {
      long number = random.nextLong(1, 1L << bits); // the network's first is left out
      BigInteger first = Prefixes.first(network).add(step.multiply(BigInteger.valueOf(number)));
      IpPrefix spare = new IpPrefix(Prefixes.address(network.family(), first), request.length());
      if (!spare.equals(lowest)
          && !spares.contains(spare)
          && taken.stream().noneMatch(spare::overlaps)) {
        spares.add(spare);
      }
    }
    return List.copyOf(spares);
  }

  private static List<IpPrefix> next(Request request, List<IpPrefix> taken, IpPrefix lowest) {
    List<IpPrefix> next = new ArrayList<>();
    Optional<IpPrefix> last = Optional.of(lowest);
    while (next.size() < NEXT) {
      last = lowestFree(request, taken, Prefixes.end(last.get()));
      if (last.isEmpty()) {
        break;
      }
      next.add(last.get());
    }
    return next;
  }

  private static long seed(HostName host) {
    CRC32C sum = new CRC32C();
    sum.update(host.text().getBytes(StandardCharsets.UTF_8));
    return sum.getValue();
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

  /**
   * Walks the taken ranges in order, so that the cost grows with leases and not with addresses.
   *
   * @param from where a subnet may begin
   * @return empty where the network is full
   */
  private static Optional<IpPrefix> lowestFree(
      Request request, List<IpPrefix> takenInOrder, BigInteger from) {
    IpPrefix network = request.network();
    BigInteger step = Prefixes.size(network, request.length());
    BigInteger end = Prefixes.end(network);
    BigInteger candidate = from;
    if (request.length() > network.length() && from.equals(Prefixes.first(network))) {
      candidate = candidate.add(step);
    }
    for (IpPrefix taken : takenInOrder) {
      if (!taken.overlaps(network) || Prefixes.end(taken).compareTo(candidate) <= 0) {
        continue;
      }
      if (Prefixes.first(taken).compareTo(candidate.add(step)) >= 0) {
        break;
      }
      candidate = roundUp(Prefixes.end(taken), step);
    }
    return candidate.compareTo(end) >= 0
        ? Optional.empty()
        : Optional.of(
            new IpPrefix(Prefixes.address(network.family(), candidate), request.length()));
  }

  private static PoolExhaustedException full(Request request, List<Lease> leases) {
    return new PoolExhaustedException(
        "The network "
            + request.network()
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
