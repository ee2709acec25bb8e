// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Vtep;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.netlink.AddressInfo;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import dev.culvert.kernel.netlink.RouteInfo;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * The device {@code culvert0}: a {@code vxlan external} device on the tunnel's port. It is where
 * the host's own packets into the overlay go, it lets the kernel merge received tunnel packets
 * (GRO, which asks for a socket on the port), and it takes what the programs leave to the kernel.
 */
public final class HostDevice {
  public static final InterfaceName NAME = new InterfaceName("culvert0");

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
   * Takes away what an earlier start gave the device and this one does not: addresses of full
   * length, as we give them, and our routes.
   *
   * @return a sentence for each address that is not of ours
   */
  public List<String> clear(int index, List<Fixture> wanted) {
    List<String> foreign = foreignAddresses(index);
    for (AddressInfo other : addresses(index)) {
      boolean keep =
          wanted.stream()
              .anyMatch(f -> f instanceof Fixture.Address a && a.address().equals(other.address()));
      if (isWhole(other) && !keep) {
        netlink.removeAddress(index, other.address(), other.prefixLength());
      }
    }
    for (RouteInfo other : netlink.routes().all()) {
      boolean keep =
          wanted.stream()
              .anyMatch(
                  f -> f instanceof Fixture.Route r && Routes.sameDestination(other, r.route()));
      if (other.interfaceIndex() == index && other.protocol() == RouteInfo.OUR_PROTOCOL && !keep) {
        netlink.routes().remove(other);
      }
    }
    return foreign;
  }

  /** A sentence for each address that somebody else gave the device: it is left to them. */
  public List<String> foreignAddresses(int index) {
    return addresses(index).stream()
        .filter(address -> !isWhole(address))
        .map(address ->
            "Somebody gave %s the address %s/%d, and with it a route; it is left as it is. Remove"
                    .formatted(NAME, IpAddresses.text(address.address()), address.prefixLength())
                + " it: ip address delete %s/%d dev %s"
                    .formatted(IpAddresses.text(address.address()), address.prefixLength(), NAME))
        .toList();
  }

  private List<AddressInfo> addresses(int index) {
    return netlink.addresses().stream()
        .filter(address -> address.interfaceIndex() == index)
        .filter(address -> !address.address().isLinkLocalAddress())
        .toList();
  }

  private static boolean isWhole(AddressInfo address) {
    return address.prefixLength() == IpPrefix.of(address.address()).length();
  }
}
