// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import dev.culvert.kernel.KernelException;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The routes of a network namespace, in all its tables. Calls may come from any thread. Every
 * refusal is a {@link KernelException}.
 */
public final class RouteTables {
  private final NetlinkCalls calls;

  RouteTables(NetlinkCalls calls) {
    this.calls = calls;
  }

  /**
   * {@return all routes of both families and all tables, local addresses too (table 255); one entry
   * for each next hop} Those that lead nowhere (blackhole, unreachable, prohibit), broadcast and
   * multicast are left out.
   */
  public List<RouteInfo> all() {
    return calls
        .dumpBoth(RouteMessages::dump, "routes", NetlinkRequest.NEWROUTE)
        .map(RouteMessages::parse)
        .flatMap(List::stream)
        .toList();
  }

  /**
   * The route that the kernel would take (RTM_GETROUTE).
   *
   * @param destination one address
   * @return empty when there is none or it leads nowhere; its {@code prefixLength} is that of the
   *     whole address
   */
  public Optional<RouteInfo> to(InetAddress destination) {
    return ask(destination, Optional.empty());
  }

  /**
   * The same for packets from an address of this host, by which rules may choose another table
   * ({@code ip rule add from ADDRESS}). For IPv4 also empty when the address is none of this
   * host's.
   *
   * @param destination of the other host
   * @param source of this host, of the same family
   * @return the route, or empty
   */
  public Optional<RouteInfo> to(InetAddress destination, InetAddress source) {
    return ask(destination, Optional.of(source));
  }

  private Optional<RouteInfo> ask(InetAddress destination, Optional<InetAddress> source) {
    return lookup(destination, source).flatMap(RouteMessages::parseLookup);
  }

  /**
   * The largest IP packet on the way to an address, also where the kernel has it only from a router
   * and for some minutes (RFC 1191).
   *
   * @param destination one address
   * @return in bytes; empty when there is no way, or it says nothing
   */
  public OptionalInt pathMtuTo(InetAddress destination) {
    int bytes = lookup(destination, Optional.empty()).map(RouteMessages::parsePathMtu).orElse(0);
    return bytes > 0 ? OptionalInt.of(bytes) : OptionalInt.empty();
  }

  private Optional<NetlinkReply> lookup(InetAddress destination, Optional<InetAddress> source) {
    return calls.one(
        new NetlinkRequest(RouteMessages.lookup(destination, source), Targets.wayTo(destination)),
        NetlinkRequest.NEWROUTE,
        RouteMessages::leadsNowhere);
  }

  /**
   * Adds or replaces a route.
   *
   * @param route with our protocol number, unless it has another, so that we know it again
   */
  public void replace(RouteInfo route) {
    calls.execute(RouteMessages.replace(route), Targets.of(route));
  }

  /**
   * The same for a route that runs a program of section {@code lwt_out} on each packet that it
   * sends, before the host's firewall gives packets another source (CONFIG_LWTUNNEL_BPF). The
   * kernel holds the program as long as it has the route.
   *
   * @param route as for the other
   * @param out a program of section {@code lwt_out}
   */
  public void replace(RouteInfo route, ProgramReference out) {
    calls.execute(
        RouteMessages.replace(route, out), Targets.of(route) + " with program " + out.name());
  }

  /**
   * Adds a route where there is none to that destination with the same metric.
   *
   * @param route with our protocol number unless it has one
   * @return false when there is one, whoever made it
   */
  public boolean add(RouteInfo route) {
    return calls.executeIfFree(RouteMessages.add(route), Targets.of(route));
  }

  /**
   * The same for a route with a program; see {@link #replace(RouteInfo, ProgramReference)}.
   *
   * @param route with our protocol number unless it has one
   * @param out a program of section {@code lwt_out}
   * @return false when there is one, whoever made it
   */
  public boolean add(RouteInfo route, ProgramReference out) {
    return calls.executeIfFree(
        RouteMessages.add(route, out), Targets.of(route) + " with program " + out.name());
  }

  /**
   * Removes a route, if its protocol number is the same.
   *
   * @param route as it was added
   * @return false when there was none
   */
  public boolean remove(RouteInfo route) {
    return calls.executeIfThere(RouteMessages.remove(route), Targets.of(route));
  }
}
