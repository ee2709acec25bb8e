// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import dev.culvert.agent.UserException;
import dev.culvert.agent.config.AgentConfig;
import dev.culvert.datapath.IpFamily;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.netlink.AddressInfo;
import dev.culvert.kernel.netlink.LinkInfo;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Settles which of this host's addresses the others see. */
final class UnderlayAddress {
  private UnderlayAddress() {}

  /**
   * The configured address, or the interface's first global one of the first family that it has,
   * within what is asked for.
   *
   * @param families in the order of preference
   * @throws UserException when the interface or the address is not there; the message lists what is
   */
  static InetAddress choose(
      AgentConfig.Underlay underlay,
      List<IpFamily> families,
      List<LinkInfo> links,
      List<AddressInfo> addresses) {
    InterfaceName name = underlay.interfaceName();
    LinkInfo link =
        links.stream()
            .filter(candidate -> candidate.name().equals(name.text()))
            .findFirst()
            .orElseThrow(() -> new UserException(noInterface(name, links)));
    List<InetAddress> own =
        addresses.stream()
            .filter(info -> info.interfaceIndex() == link.index())
            .map(AddressInfo::address)
            .toList();
    Optional<InetAddress> wanted = underlay.address();
    if (wanted.isPresent()) {
      if (!own.contains(wanted.get())) {
        throw new UserException(
            "The underlay address %s is not on %s, which has %s; correct underlay.address or remove it."
                .formatted(IpAddresses.text(wanted.get()), name, list(own)));
      }
      return wanted.get();
    }
    return families.stream()
        .flatMap(family ->
            own.stream()
                .filter(address -> IpFamily.of(address) == family && isGlobal(address))
                .filter(address ->
                    underlay.within().map(prefix -> prefix.contains(address)).orElse(true)))
        .findFirst()
        .orElseThrow(() ->
            new UserException(
                "The underlay interface %s has no global %s address (it has %s); give it one, or set underlay.address."
                    .formatted(name, joined(families), list(own))));
  }

  private static String joined(List<IpFamily> families) {
    return families.stream().map(IpFamily::toString).collect(Collectors.joining(" or "));
  }

  /**
   * The address to use from now on: the one in use as long as the interface has it, so that a
   * second address moves nobody. Empty while there is none.
   */
  static Optional<InetAddress> follow(
      AgentConfig.Underlay underlay,
      InetAddress current,
      List<LinkInfo> links,
      List<AddressInfo> addresses) {
    AgentConfig.Underlay fixed =
        new AgentConfig.Underlay(underlay.interfaces(), Optional.of(current), Optional.empty());
    List<IpFamily> family = List.of(IpFamily.of(current));
    return tried(fixed, family, links, addresses)
        .or(() -> tried(underlay, family, links, addresses));
  }

  /** Empty while the interface, or its address, is on its way. */
  private static Optional<InetAddress> tried(
      AgentConfig.Underlay wish,
      List<IpFamily> family,
      List<LinkInfo> links,
      List<AddressInfo> addresses) {
    try {
      return Optional.of(choose(wish, family, links, addresses));
    } catch (UserException notNow) {
      return Optional.empty();
    }
  }

  static boolean isGlobal(InetAddress address) {
    return !address.isLinkLocalAddress() && !address.isLoopbackAddress();
  }

  private static String noInterface(InterfaceName name, List<LinkInfo> links) {
    return "There is no interface %s for the underlay; this network namespace has %s: correct underlay.interface."
        .formatted(name, links.stream().map(LinkInfo::name).collect(Collectors.joining(", ")));
  }

  private static String list(List<InetAddress> addresses) {
    return addresses.isEmpty()
        ? "none"
        : addresses.stream().map(IpAddresses::text).collect(Collectors.joining(", "));
  }
}
