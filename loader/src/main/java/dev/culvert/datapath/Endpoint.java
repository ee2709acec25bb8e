// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import java.net.InetAddress;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;

/**
 * One container interface of this host.
 *
 * @param vni the network
 * @param addresses one, or one of each IP family, IPv4 first
 * @param mac of the container's end
 * @param host the other end
 * @param container for whom it was made or let in, also by a process before this one; empty where
 *     nothing that was kept tells of it
 */
public record Endpoint(
    Vni vni,
    List<InetAddress> addresses,
    MacAddress mac,
    HostEnd host,
    Optional<ContainerEnd> container) {
  /**
   * The end on the host.
   *
   * @param interfaceIndex the kernel's number of it
   * @param mac its own
   * @param peer whether it is a veth with its other end in the container, so that packets can be
   *     put straight into the container's namespace
   */
  public record HostEnd(int interfaceIndex, MacAddress mac, boolean peer) {
    /** Checks that all is there. */
    public HostEnd {
      Objects.requireNonNull(mac, "mac");
    }
  }

  /**
   * Sorts the addresses.
   *
   * @throws IllegalArgumentException for no address, or two of one family
   */
  public Endpoint {
    Objects.requireNonNull(addresses, "addresses");
    Objects.requireNonNull(vni, "vni");
    Objects.requireNonNull(mac, "mac");
    Objects.requireNonNull(host, "host");
    Objects.requireNonNull(container, "container");
    addresses = IpFamily.sorted(addresses, Function.identity());
  }

  /**
   * As the tables have it, which know nothing of the container's end.
   *
   * @param vni the network
   * @param addresses one, or one of each IP family
   * @param mac of the container's end
   * @param host the other end
   */
  public Endpoint(Vni vni, List<InetAddress> addresses, MacAddress mac, HostEnd host) {
    this(vni, addresses, mac, host, Optional.empty());
  }

  /**
   * With one address.
   *
   * @param vni the network
   * @param address of either family
   * @param mac of the container's end
   * @param host the other end
   */
  public Endpoint(Vni vni, InetAddress address, MacAddress mac, HostEnd host) {
    this(vni, List.of(Objects.requireNonNull(address, "address")), mac, host);
  }

  /**
   * {@return the same, made for that container}
   *
   * @param whose empty where nobody knows
   */
  public Endpoint withContainer(Optional<ContainerEnd> whose) {
    return new Endpoint(vni, addresses, mac, host, whose);
  }

  /** {@return the kernel's number of the host's end} */
  public int interfaceIndex() {
    return host.interfaceIndex();
  }

  /** {@return whether packets can be put straight into the container's namespace} */
  public boolean peer() {
    return host.peer();
  }

  /** {@return the MAC address of the host's end} */
  public MacAddress hostMac() {
    return host.mac();
  }

  /** {@return the first of its addresses, by which it is known} */
  public InetAddress address() {
    return addresses.getFirst();
  }
}
