// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.NextHop;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import dev.culvert.kernel.netlink.RouteInfo;
import java.net.InetAddress;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * The ways to other hosts, asked of the kernel's routing at each call, in the network namespace of
 * the netlink socket. Any thread may ask.
 */
public final class NextHops {
  /** What {@link NextHop#mtuBytes()} is taken from. */
  public enum MtuSource {
    /** The route's own MTU where it has one, else the interface's. */
    ROUTE,
    /** The interface's alone. */
    INTERFACE
  }

  private final Netlink netlink;
  private final MtuSource mtuSource;
  private final Supplier<Optional<InetAddress>> vtep;

  /**
   * @param vtep the address of this host's VTEP, empty while there is none
   */
  public NextHops(Netlink netlink, MtuSource mtuSource, Supplier<Optional<InetAddress>> vtep) {
    this.netlink = netlink;
    this.mtuSource = mtuSource;
    this.vtep = vtep;
  }

  /**
   * The source is this host's VTEP address once there is one, whatever address the route prefers:
   * it is what packets leave with, and what the host's rules may go by. Of several next hops the
   * kernel gives the one that its own hash chooses for the two VTEPs.
   *
   * @return empty when there is no route, or it leads nowhere
   * @throws dev.culvert.kernel.KernelException when the kernel refuses to answer
   */
  public Optional<NextHop> to(InetAddress underlayAddress) {
    Optional<RouteInfo> route = route(underlayAddress);
    Optional<LinkInfo> link = route.flatMap(r -> netlink.link(r.interfaceIndex()));
    if (route.isEmpty() || link.isEmpty() || leadsNowhere(link.get())) {
      return Optional.empty();
    }
    return source(route.get(), underlayAddress)
        .map(from ->
            new NextHop(
                link.get().index(),
                from,
                route.get().gateway().orElse(underlayAddress),
                mtuBytes(route.get(), link.get()),
                route.get().gateway().isEmpty()));
  }

  /** An address that is not on this host (yet, or any more) asks as any would. */
  private Optional<RouteInfo> route(InetAddress underlayAddress) {
    Optional<InetAddress> own = own(underlayAddress);
    Optional<RouteInfo> fromOwn = own.flatMap(from -> netlink.routes().to(underlayAddress, from));
    boolean isAnswer = fromOwn.isPresent() || own.filter(this::isHere).isPresent();
    return isAnswer ? fromOwn : netlink.routes().to(underlayAddress);
  }

  private boolean isHere(InetAddress address) {
    return netlink.addresses().stream().anyMatch(info -> info.address().equals(address));
  }

  private Optional<InetAddress> own(InetAddress underlayAddress) {
    return vtep.get().filter(own -> IpFamily.of(own) == IpFamily.of(underlayAddress));
  }

  /** The tunnel's own device would be a loop, and the loopback device means the address is ours. */
  private static boolean leadsNowhere(LinkInfo link) {
    return link.name().equals(HostDevice.NAME.text()) || link.name().equals("lo");
  }

  private Optional<InetAddress> source(RouteInfo route, InetAddress underlayAddress) {
    return own(underlayAddress).or(route::preferredSource);
  }

  private int mtuBytes(RouteInfo route, LinkInfo link) {
    boolean ofRoute = mtuSource == MtuSource.ROUTE && route.mtuBytes() > 0;
    return ofRoute ? route.mtuBytes() : link.mtuBytes();
  }
}
