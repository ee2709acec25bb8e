// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import dev.culvert.datapath.Gateway;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Vtep;
import dev.culvert.kernel.BpfProgram;
import dev.culvert.kernel.Errno;
import dev.culvert.kernel.Ipv6Settings;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Netlink;
import dev.culvert.kernel.Netlink.AddressInfo;
import dev.culvert.kernel.Netlink.LinkInfo;
import dev.culvert.kernel.Netlink.RouteInfo;
import dev.culvert.kernel.RefusedException;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The device {@code culvert0}: a {@code vxlan external} device on the tunnel's port. It is where
 * the host's own packets into the overlay go, it lets the kernel merge received tunnel packets
 * (GRO, which asks for a socket on the port), and it takes what the programs leave to the kernel.
 */
public final class HostDevice {
  public static final String NAME = "culvert0";

  /**
   * Where the route to the network leads: link-local addresses that nobody has, and that are never
   * on any wire. The device resolves nothing (NOARP), and the programs look at the packet's
   * destination; but without a gateway each destination would take an entry in the kernel's
   * neighbour table, which is small (gc_thresh3, 1024).
   */
  private static final InetAddress BEYOND_IPV4 = InetAddress.ofLiteral("169.254.1.1");

  private static final InetAddress BEYOND_IPV6 = InetAddress.ofLiteral("fe80::1");

  private final Netlink netlink;
  private final OwnDevices devices;

  public HostDevice(Netlink netlink, OwnDevices devices) {
    this.netlink = netlink;
    this.devices = devices;
  }

  /**
   * The largest inner packet over an underlay interface.
   *
   * @param underlayAddress this host's, whose family the outer headers have
   * @param networks the overlay's; none stands for IPv4
   * @throws RefusedException when too little is left
   */
  public static int innerMtuBytes(
      LinkInfo underlay, InetAddress underlayAddress, List<IpPrefix> networks) {
    int overhead = IpFamily.of(underlayAddress).overheadBytes();
    IpFamily neediest =
        networks.stream()
            .map(IpPrefix::family)
            .max(Comparator.comparingInt(IpFamily::leastMtuBytes))
            .orElse(IpFamily.IPV4);
    int least = neediest.leastMtuBytes();
    int inner = underlay.mtuBytes() - overhead;
    if (inner < least) {
      throw new RefusedException(
          "The underlay interface "
              + underlay.name()
              + " has an MTU of "
              + underlay.mtuBytes()
              + " bytes, but the overlay needs "
              + (least + overhead)
              + " ("
              + least
              + " for the smallest "
              + neediest
              + " MTU and "
              + overhead
              + " for the tunnel's headers). Raise it: ip link set "
              + underlay.name()
              + " mtu 1500");
    }
    return inner;
  }

  /**
   * Creates the device, or takes over the one that this instance made before. It may still be down
   * afterwards.
   *
   * @param recreate whether one made before cannot serve, since its port differs
   * @return its index
   * @throws RefusedException when somebody else's device has the name
   */
  public int ensure(Vtep vtep, int mtuBytes, boolean recreate) {
    Optional<LinkInfo> present = devices.find(NAME);
    if (present.isPresent()) {
      if (!recreate && present.get().kind().equals("vxlan")) {
        converge(present.get(), vtep, mtuBytes);
        return present.get().index();
      }
      netlink.deleteLink(present.get().index());
    }
    return devices.make(
        NAME,
        () -> netlink.createExternalVxlan(NAME, vtep.port(), vtep.mac().toBytes(), mtuBytes),
        netlink::setNoLinkLocal); // Its own multicast would count as packets we dropped.
  }

  private void converge(LinkInfo device, Vtep vtep, int mtuBytes) {
    if (!Arrays.equals(device.mac(), vtep.mac().toBytes())) {
      netlink.setMac(device.index(), vtep.mac().toBytes());
    }
    if (device.mtuBytes() != mtuBytes) {
      netlink.setMtu(device.index(), mtuBytes);
    }
  }

  /**
   * Gives the device the gateways' addresses and the routes to their networks, and takes earlier
   * ones away.
   */
  public void address(int index, List<Gateway> gateways) {
    prepare(index, gateways);
    gateways.forEach(gateway -> netlink.replaceRoute(route(index, gateway)));
  }

  /**
   * The same, with a program that judges what the host forwards by the IPv6 route. IPv4 needs none:
   * there the kernel itself lets nothing in that has one of the host's own addresses as its source.
   *
   * @return whether every IPv6 route runs the program: kernels without CONFIG_LWTUNNEL_BPF cannot
   */
  public boolean address(int index, List<Gateway> gateways, BpfProgram judge) {
    prepare(index, gateways);
    boolean judged = true;
    for (Gateway gateway : gateways) {
      RouteInfo route = route(index, gateway);
      if (gateway.network().family() == IpFamily.IPV4) {
        netlink.replaceRoute(route);
      } else {
        judged &= replace(route, judge);
      }
    }
    return judged;
  }

  private boolean replace(RouteInfo route, BpfProgram judge) {
    try {
      netlink.replaceRoute(route, judge);
      return true;
    } catch (KernelException refused) {
      if (refused.errno() != Errno.EOPNOTSUPP) {
        throw refused;
      }
      netlink.replaceRoute(route);
      return false;
    }
  }

  private void prepare(int index, List<Gateway> gateways) {
    if (gateways.stream().anyMatch(gateway -> gateway.network().family() == IpFamily.IPV6)) {
      new Ipv6Settings(netlink.namespace()).set(NAME, Ipv6Settings.DISABLED, 0);
    }
    Set<InetAddress> missing =
        gateways.stream().map(Gateway::address).collect(Collectors.toCollection(HashSet::new));
    for (AddressInfo other : netlink.addresses()) {
      if (other.interfaceIndex() != index || other.address().isLinkLocalAddress()) {
        continue;
      }
      boolean whole = other.prefixLength() == IpPrefix.of(other.address()).length();
      if (!whole || !missing.remove(other.address())) {
        netlink.removeAddress(index, other.address(), other.prefixLength());
      }
    }
    missing.forEach(address -> netlink.addAddress(index, address, IpPrefix.of(address).length()));
    netlink.setUp(index, true);
    removeOtherRoutes(index, gateways);
  }

  private static RouteInfo route(int index, Gateway gateway) {
    InetAddress beyond = gateway.network().family() == IpFamily.IPV4 ? BEYOND_IPV4 : BEYOND_IPV6;
    return Routes.through(gateway.network(), beyond, index, gateway.address());
  }

  private void removeOtherRoutes(int index, List<Gateway> gateways) {
    List<RouteInfo> wanted = gateways.stream().map(gateway -> route(index, gateway)).toList();
    for (RouteInfo other : netlink.routes()) {
      if (other.interfaceIndex() == index
          && other.protocol() == Netlink.ROUTE_PROTOCOL
          && wanted.stream().noneMatch(route -> Routes.sameDestination(other, route))) {
        netlink.removeRoute(other);
      }
    }
  }
}
