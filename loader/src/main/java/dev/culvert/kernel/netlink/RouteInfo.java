// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import java.net.InetAddress;
import java.util.Optional;

/**
 * A route, as the kernel tells it or is asked for it. Immutable.
 *
 * @param destination the address of the network that it leads to
 * @param prefixLength of that network, in bits
 * @param interfaceIndex the interface that it leads through
 * @param gateway empty where the destination is on the link
 * @param preferredSource the source address of what the host itself sends; empty for the kernel's
 *     choice
 * @param table as in rt_tables (254 is main; 0 in a request too)
 * @param protocol who made it, as in rt_protos; 0 in a request means {@link #OUR_PROTOCOL}
 * @param mtuBytes the route's own MTU, 0 for the interface's
 * @param onLink whether the gateway need not lie in a connected network
 */
public record RouteInfo(
    InetAddress destination,
    int prefixLength,
    int interfaceIndex,
    Optional<InetAddress> gateway,
    Optional<InetAddress> preferredSource,
    int table,
    int protocol,
    int mtuBytes,
    boolean onLink) {
  /**
   * The protocol number of our routes, among those that the kernel leaves to daemons
   * (linux/rtnetlink.h; those taken by others: etc/iproute2/rt_protos).
   */
  public static final int OUR_PROTOCOL = 203;

  /** RT_TABLE_MAIN. */
  public static final int TABLE_MAIN = 254;

  /**
   * Begins with a route of our own in table main, on the link, with the interface's MTU.
   *
   * @param destination the address of the network that it leads to
   * @param prefixLength of that network, in bits
   * @param interfaceIndex the interface that it leads through
   * @return a builder for what differs
   */
  public static Builder to(InetAddress destination, int prefixLength, int interfaceIndex) {
    return new Builder(destination, prefixLength, interfaceIndex);
  }

  /** Collects what differs. For one thread; each method returns this builder. */
  public static final class Builder {
    private final InetAddress destination;
    private final int prefixLength;
    private final int interfaceIndex;
    private Optional<InetAddress> gateway = Optional.empty();
    private Optional<InetAddress> preferredSource = Optional.empty();
    private int table = TABLE_MAIN;
    private int protocol = OUR_PROTOCOL;
    private int mtuBytes;
    private boolean onLink;

    private Builder(InetAddress destination, int prefixLength, int interfaceIndex) {
      this.destination = destination;
      this.prefixLength = prefixLength;
      this.interfaceIndex = interfaceIndex;
    }

    /**
     * Through a router.
     *
     * @param router in a connected network
     * @return this builder
     */
    public Builder via(InetAddress router) {
      gateway = Optional.of(router);
      return this;
    }

    /**
     * Through a router that no connected network holds.
     *
     * @param router on the interface's link
     * @return this builder
     */
    public Builder viaOnLink(InetAddress router) {
      onLink = true;
      return via(router);
    }

    /**
     * With a source address for what the host itself sends.
     *
     * @param source one of the host's
     * @return this builder
     */
    public Builder from(InetAddress source) {
      preferredSource = Optional.of(source);
      return this;
    }

    /**
     * In another table.
     *
     * @param number as in rt_tables
     * @return this builder
     */
    public Builder table(int number) {
      table = number;
      return this;
    }

    /**
     * Made by somebody else.
     *
     * @param number as in rt_protos
     * @return this builder
     */
    public Builder protocol(int number) {
      protocol = number;
      return this;
    }

    /**
     * With an MTU of its own.
     *
     * @param bytes the largest IP packet, 0 for the interface's
     * @return this builder
     */
    public Builder mtuBytes(int bytes) {
      mtuBytes = bytes;
      return this;
    }

    /**
     * The route.
     *
     * @return what was collected; the builder may go on
     */
    public RouteInfo build() {
      return new RouteInfo(
          destination,
          prefixLength,
          interfaceIndex,
          gateway,
          preferredSource,
          table,
          protocol,
          mtuBytes,
          onLink);
    }
  }
}
