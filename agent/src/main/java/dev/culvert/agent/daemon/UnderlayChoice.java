// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import dev.culvert.agent.UserException;
import dev.culvert.agent.config.AgentConfig;
import dev.culvert.agent.config.UnderlayWish;
import dev.culvert.control.OverlayConfig;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.netlink.AddressInfo;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import dev.culvert.kernel.netlink.RouteInfo;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Settles which interface leads to the other hosts, and which of its addresses they see. IPv6
 * addresses that are temporary or deprecated are taken only where they are written down.
 */
public final class UnderlayChoice {
  /** Of devices of our own, which lead to no underlay. */
  private static final String OUR_ALIAS = "culvert:";

  private final List<IpFamily> families;
  private final List<LinkInfo> links;
  private final List<AddressInfo> addresses;

  /**
   * What was chosen.
   *
   * @param address to begin with
   */
  public record Chosen(AgentConfig.Underlay underlay, InetAddress address) {}

  /**
   * @param families in the order of preference
   * @param addresses that may be chosen
   */
  UnderlayChoice(List<IpFamily> families, List<LinkInfo> links, List<AddressInfo> addresses) {
    this.families = families;
    this.links = links;
    this.addresses = addresses;
  }

  /**
   * What a configuration means in a socket's namespace, now.
   *
   * @throws UserException when there is no such interface or address; the message lists what is
   */
  public static Chosen of(AgentConfig config, Netlink netlink) {
    List<LinkInfo> links = netlink.links();
    UnderlayChoice choice = new UnderlayChoice(families(config), links, netlink.lastingAddresses());
    return switch (config.underlay()) {
      case UnderlayWish.Named(AgentConfig.Underlay underlay) ->
          new Chosen(
              underlay,
              UnderlayAddress.choose(
                  underlay,
                  families(config),
                  links,
                  underlay.address().isPresent() ? netlink.addresses() : choice.addresses));
      case UnderlayWish.Matching matching -> choice.matching(matching);
      case UnderlayWish.Within(IpPrefix network) -> choice.within(network);
      case UnderlayWish.Toward(InetAddress target) ->
          choice.toward(target, netlink.routes().to(target));
    };
  }

  /** In the order of the networks. */
  private static List<IpFamily> families(AgentConfig config) {
    return config.networks().stream()
        .map(OverlayConfig.Network::prefix)
        .map(IpPrefix::family)
        .toList();
  }

  Chosen matching(UnderlayWish.Matching wish) {
    return families.stream()
        .flatMap(family ->
            links.stream()
                .filter(UnderlayChoice::isForeign)
                .filter(link -> wish.matches(link.name()))
                .flatMap(link -> first(link, address -> IpFamily.of(address) == family).stream()))
        .findFirst()
        .orElseThrow(() ->
            new UserException(
                "No interface whose name matches \"%s\" has a global address of %s; this network namespace has %s: correct underlay.matching."
                    .formatted(wish.expression(), joined(families), names())));
  }

  Chosen within(IpPrefix network) {
    return links.stream()
        .filter(UnderlayChoice::isForeign)
        .flatMap(link -> first(link, network::contains).stream())
        .findFirst()
        .map(found -> new Chosen(new AgentConfig.Underlay(name(found), network), found.address()))
        .orElseThrow(() ->
            new UserException(
                "No interface has an address within %s; this network namespace has %s: correct underlay.network."
                    .formatted(network, listed())));
  }

  private static InterfaceName name(Chosen chosen) {
    return chosen.underlay().interfaceName();
  }

  /**
   * @param route that packets there take; empty where there is none
   */
  Chosen toward(InetAddress target, Optional<RouteInfo> route) {
    IpPrefix family = IpPrefix.everything(IpFamily.of(target));
    return route
        .flatMap(way ->
            links.stream()
                .filter(link -> link.index() == way.interfaceIndex() && isForeign(link))
                .findFirst()
                .flatMap(link ->
                    way.preferredSource()
                        .flatMap(source -> first(link, source::equals))
                        .or(() -> first(link, family::contains))))
        .map(found -> new Chosen(new AgentConfig.Underlay(name(found), family), found.address()))
        .orElseThrow(() ->
            new UserException(
                "No interface with a global address leads to %s; this network namespace has %s: correct underlay.toward, or the routes."
                    .formatted(IpAddresses.text(target), listed())));
  }

  private Optional<Chosen> first(LinkInfo link, Predicate<InetAddress> wanted) {
    return addresses.stream()
        .filter(info -> info.interfaceIndex() == link.index())
        .map(AddressInfo::address)
        .filter(address -> UnderlayAddress.isGlobal(address) && wanted.test(address))
        .findFirst()
        .map(address ->
            new Chosen(
                new AgentConfig.Underlay(new InterfaceName(link.name()), Optional.empty()),
                address));
  }

  private static boolean isForeign(LinkInfo link) {
    return InterfaceName.isValid(link.name())
        && (link.alias() == null || !link.alias().startsWith(OUR_ALIAS));
  }

  private static String joined(List<IpFamily> families) {
    return families.stream().map(IpFamily::toString).collect(Collectors.joining(" or "));
  }

  private String names() {
    return links.stream().map(LinkInfo::name).collect(Collectors.joining(", "));
  }

  private String listed() {
    return addresses.stream()
        .map(AddressInfo::address)
        .filter(UnderlayAddress::isGlobal)
        .map(IpAddresses::text)
        .collect(
            Collectors.collectingAndThen(
                Collectors.joining(", "), text -> text.isEmpty() ? "none" : text));
  }
}
