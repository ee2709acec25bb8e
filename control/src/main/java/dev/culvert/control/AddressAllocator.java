// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.OutsideSubnetException;
import dev.culvert.datapath.PoolExhaustedException;
import dev.culvert.datapath.TakenException;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.RefusedException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Which address of a host's subnet a container gets. Pure: it looks at nothing but its arguments.
 *
 * <p>Three are never given away: the first (the subnet's own address; in IPv6 the routers' anycast
 * address, RFC 4291 section 2.6.1), the second (the gateway) and the last (broadcast in IPv4; left
 * out of IPv6 subnets too, so that both families are alike).
 */
final class AddressAllocator {
  private AddressAllocator() {}

  /**
   * The lowest address that is neither taken nor reserved.
   *
   * @throws RefusedException when there is none
   */
  static InetAddress lowestFree(IpPrefix subnet, Set<InetAddress> taken) {
    BigInteger last = Prefixes.end(subnet).subtract(BigInteger.ONE);
    BigInteger candidate = Prefixes.first(subnet).add(BigInteger.TWO);
    for (; candidate.compareTo(last) < 0; candidate = candidate.add(BigInteger.ONE)) {
      InetAddress address = Prefixes.address(subnet.family(), candidate);
      if (!taken.contains(address)) {
        return address;
      }
    }
    throw new PoolExhaustedException(
        "The subnet "
            + subnet
            + " has no free address: "
            + taken.size()
            + " containers fill it; detach some, or use larger subnets.");
  }

  /**
   * An address of each subnet: the wanted one where there is one of that IP family, else the lowest
   * that is free.
   *
   * @param wanted at most one of each family
   * @throws RefusedException when a subnet has none
   * @throws RefusedException when a wanted one lies elsewhere, is reserved or is taken
   */
  static List<InetAddress> choose(
      List<IpPrefix> subnets, List<InetAddress> wanted, Set<InetAddress> taken) {
    List<InetAddress> left = new ArrayList<>(wanted);
    List<InetAddress> chosen = new ArrayList<>();
    for (IpPrefix subnet : subnets) {
      Optional<InetAddress> one =
          left.stream().filter(a -> IpFamily.of(a) == subnet.family()).findFirst();
      one.ifPresent(address -> check(subnet, address, taken));
      one.ifPresent(left::remove);
      chosen.add(one.orElseGet(() -> lowestFree(subnet, taken)));
    }
    if (!left.isEmpty()) {
      throw new OutsideSubnetException(
          "The address "
              + IpAddresses.text(left.getFirst())
              + " is one too many for this host's "
              + (subnets.size() == 1 ? "subnet " : "subnets ")
              + subnets.stream().map(IpPrefix::toString).collect(Collectors.joining(" and "))
              + ": a container gets one address of each.");
    }
    return chosen;
  }

  /**
   * Checks that a container may have this very address.
   *
   * @throws RefusedException when it lies elsewhere, is reserved or is taken
   */
  static void check(IpPrefix subnet, InetAddress wanted, Set<InetAddress> taken) {
    String shown = IpAddresses.text(wanted);
    if (!subnet.contains(wanted)) {
      throw new OutsideSubnetException(
          "The address " + shown + " is outside this host's subnet " + subnet + ".");
    }
    BigInteger place = Prefixes.number(wanted).subtract(Prefixes.first(subnet));
    if (place.compareTo(BigInteger.TWO) < 0
        || place.equals(Prefixes.size(subnet).subtract(BigInteger.ONE))) {
      throw new TakenException(
          "The address "
              + shown
              + " is reserved in "
              + subnet
              + ": the first is the subnet's own, the second its gateway, the last for broadcast.");
    }
    if (taken.contains(wanted)) {
      throw new TakenException("The address " + shown + " is taken by a container.");
    }
  }
}
