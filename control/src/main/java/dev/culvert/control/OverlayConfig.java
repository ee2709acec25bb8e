// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Vni;
import dev.culvert.kernel.IpAddresses;
import java.net.InetAddress;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * What a host must know to join.
 *
 * @param host this host's name, unique in the network
 * @param vni the network
 * @param networks the overlay's, one for each IP family that it has; IPv4 comes first
 * @param underlayAddress this host's VTEP address
 * @param port UDP port of the tunnel
 * @param directRouting hosts on the same link exchange packets without encapsulation
 * @param leaseDuration how long a lease lasts without renewal; renewed at half of it, and other
 *     hosts' leases count for half of it longer than they say, so that clocks may differ
 */
public record OverlayConfig(
    String host,
    Vni vni,
    List<Network> networks,
    InetAddress underlayAddress,
    int port,
    boolean directRouting,
    Duration leaseDuration) {
  /**
   * The overlay's network of one IP family.
   *
   * @param prefix the whole network, such as 10.244.0.0/16
   * @param subnetLength length of each host's subnet, such as 24
   * @param subnet this very subnet rather than any free one
   */
  public record Network(IpPrefix prefix, int subnetLength, Optional<IpPrefix> subnet) {
    /**
     * @throws IllegalArgumentException for what cannot work, with a sentence that says which and
     *     why
     */
    public Network {
      checkSubnetLength(prefix, subnetLength);
      subnet.ifPresent(wanted -> checkSubnet(prefix, subnetLength, wanted));
    }
  }

  /** Shorter leases would end in an ordinary hiccup of the store. */
  public static final Duration MIN_LEASE_DURATION = Duration.ofSeconds(10);

  /** So that an end of a lease is always a date that can be written. */
  public static final Duration MAX_LEASE_DURATION = Duration.ofDays(3650);

  /**
   * @throws IllegalArgumentException for what cannot work, with a sentence that says which and why
   */
  public OverlayConfig {
    HostName.check(host);
    networks =
        networks.stream()
            .sorted(Comparator.comparing(network -> network.prefix().family()))
            .toList();
    checkFamilies(networks);
    for (Network network : networks) {
      checkUnderlay(network.prefix(), underlayAddress);
    }
    if (port < 1 || port > 65535) {
      throw new IllegalArgumentException("The UDP port " + port + " is outside 1-65535.");
    }
    if (leaseDuration.compareTo(MIN_LEASE_DURATION) < 0
        || leaseDuration.compareTo(MAX_LEASE_DURATION) > 0) {
      throw new IllegalArgumentException(
          "The lease duration "
              + leaseDuration
              + " is outside "
              + MIN_LEASE_DURATION.toSeconds()
              + " seconds to "
              + MAX_LEASE_DURATION.toDays()
              + " days.");
    }
  }

  /** With one network. */
  public OverlayConfig(
      String host,
      Vni vni,
      IpPrefix network,
      int subnetLength,
      Optional<IpPrefix> subnet,
      InetAddress underlayAddress,
      int port,
      boolean directRouting,
      Duration leaseDuration) {
    this(
        host,
        vni,
        List.of(new Network(network, subnetLength, subnet)),
        underlayAddress,
        port,
        directRouting,
        leaseDuration);
  }

  private static void checkFamilies(List<Network> networks) {
    if (networks.isEmpty()) {
      throw new IllegalArgumentException("An overlay has at least one network.");
    }
    if (networks.stream().map(network -> network.prefix().family()).distinct().count()
        < networks.size()) {
      throw new IllegalArgumentException(
          "An overlay has one network of each IP family at most, not "
              + networks.stream().map(Network::prefix).toList()
              + "; give the others VNIs of their own.");
    }
  }

  private static void checkSubnetLength(IpPrefix network, int subnetLength) {
    if (subnetLength < network.length()) {
      throw new IllegalArgumentException(
          "A host's subnet of length /"
              + subnetLength
              + " is larger than the whole network "
              + network
              + "; choose a subnet length of "
              + network.length()
              + " or more.");
    }
    int longest = network.family().addressBits() - 2;
    if (subnetLength > longest) {
      throw new IllegalArgumentException(
          "A host's subnet of length /"
              + subnetLength
              + " has no room for a gateway and a container; choose a subnet length of at most "
              + longest
              + ".");
    }
  }

  private static void checkSubnet(IpPrefix network, int subnetLength, IpPrefix wanted) {
    if (wanted.length() < network.length() || !network.contains(wanted.address())) {
      throw new IllegalArgumentException(
          "The subnet " + wanted + " is outside the network " + network + ".");
    }
    if (wanted.length() != subnetLength) {
      throw new IllegalArgumentException(
          "The subnet "
              + wanted
              + " has not the subnet length /"
              + subnetLength
              + " that hosts of the network "
              + network
              + " use.");
    }
  }

  static void checkUnderlay(IpPrefix network, InetAddress underlayAddress) {
    String address = IpAddresses.text(underlayAddress);
    if (underlayAddress.isAnyLocalAddress()
        || underlayAddress.isMulticastAddress()
        || underlayAddress.isLoopbackAddress()) {
      throw new IllegalArgumentException(address + " cannot be the underlay address of a host.");
    }
    if (network.contains(underlayAddress)) {
      throw new IllegalArgumentException(
          "The network "
              + network
              + " contains this host's underlay address "
              + address
              + ": tunnel packets would go into their own tunnel; choose another network.");
    }
  }
}
