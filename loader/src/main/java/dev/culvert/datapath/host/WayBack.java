// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.kernel.host.Ipv6Settings;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import dev.culvert.kernel.netlink.RouteInfo;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;

/**
 * Whether answers from outside of the overlay reach containers: they come in by the interface that
 * the host's packets to anywhere leave by, which must forward. That makes the host a router of its
 * neighbours too, so it is its administrator's to set.
 */
final class WayBack {
  // Addresses that stand for anywhere: nobody has them (RFC 5737, RFC 3849).
  private static final InetAddress ANYWHERE_4 = InetAddress.ofLiteral("192.0.2.1");
  private static final InetAddress ANYWHERE_6 = InetAddress.ofLiteral("2001:db8::1");

  private final Netlink netlink;
  private final Forwarding forwarding;

  WayBack(Netlink netlink) {
    this.netlink = netlink;
    this.forwarding = new Forwarding(netlink.namespace(), netlink);
  }

  /**
   * @return a sentence for each IP family whose answers are lost
   */
  List<String> losses(List<IpPrefix> networks) {
    return networks.stream().map(IpPrefix::family).flatMap(f -> loss(f).stream()).toList();
  }

  private Optional<String> loss(IpFamily family) {
    InetAddress anywhere = family == IpFamily.IPV4 ? ANYWHERE_4 : ANYWHERE_6;
    return netlink
        .routes()
        .to(anywhere)
        .map(RouteInfo::interfaceIndex)
        .flatMap(netlink::link)
        .filter(link -> !WaysOut.isLoopback(link) && !forwarding.isOn(link.name(), family))
        .map(link -> sentence(link, family));
  }

  private String sentence(LinkInfo link, IpFamily family) {
    String setting =
        family == IpFamily.IPV4
            ? "net.ipv4.conf." + link.name() + ".forwarding"
            : forwarding.hasIpv6ByInterface()
                ? "net.ipv6.conf." + link.name() + "." + Ipv6Settings.FORCE_FORWARDING
                : Fixture.Knob.FORWARDING_EVERYWHERE;
    return "Answers to what containers send to the outside are lost: "
        + link.name()
        + ", where they come in, does not forward "
        + family
        + ". Run \"sysctl -w "
        + setting
        + "=1\".";
  }
}
