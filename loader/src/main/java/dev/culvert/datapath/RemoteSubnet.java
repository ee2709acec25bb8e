// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import dev.culvert.kernel.IpAddresses;
import java.util.Objects;
import java.util.Optional;

/**
 * One entry subnet -> VTEP, with the way there.
 *
 * @param subnet what the other host leases
 * @param local the VTEP of this host, the sender
 * @param remote the VTEP of the other host
 * @param nextHop empty while there is no route: packets are then dropped as unreachable and counted
 * @param direct whether packets cross the link as they are, without encapsulation
 * @param bareToo whether packets are taken as they are from there, though none are sent so: while a
 *     network changes
 * @param wireVni what packets to there bear
 */
public record RemoteSubnet(
    Subnet subnet,
    Vtep local,
    Vtep remote,
    Optional<NextHop> nextHop,
    boolean direct,
    boolean bareToo,
    Vni wireVni) {
  /**
   * Checks the values.
   *
   * @throws IllegalArgumentException for direct routing over a router
   */
  public RemoteSubnet {
    Objects.requireNonNull(subnet, "subnet");
    Objects.requireNonNull(local, "local");
    Objects.requireNonNull(remote, "remote");
    Objects.requireNonNull(nextHop, "nextHop");
    Objects.requireNonNull(wireVni, "wireVni");
    if (direct && bareToo) {
      throw new IllegalArgumentException("Direct routing takes bare packets in any case.");
    }
    if (direct && nextHop.isPresent() && !nextHop.get().onLink()) {
      throw new IllegalArgumentException(
          "Direct routing to "
              + IpAddresses.text(remote.address())
              + " needs it on the same link, but a router lies between.");
    }
  }

  /**
   * As in a network that does not change: packets bear its own VNI, and come as they go.
   *
   * @param subnet what the other host leases
   * @param local the VTEP of this host, the sender
   * @param remote the VTEP of the other host
   * @param nextHop empty while there is no route
   * @param direct whether packets cross the link as they are
   */
  public RemoteSubnet(
      Subnet subnet, Vtep local, Vtep remote, Optional<NextHop> nextHop, boolean direct) {
    this(
        Objects.requireNonNull(subnet, "subnet"),
        local,
        remote,
        nextHop,
        direct,
        false,
        subnet.vni());
  }

  /**
   * {@return the bytes of the largest inner IP packet that reaches the VTEP whole, as this host's
   * routes say; empty while there is no route}
   */
  public Optional<Integer> innerMtuBytes() {
    int overhead = direct ? 0 : IpFamily.of(remote.address()).overheadBytes();
    return nextHop.map(hop -> hop.mtuBytes() - overhead);
  }
}
