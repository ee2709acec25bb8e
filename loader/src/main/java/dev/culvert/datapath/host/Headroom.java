// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import dev.culvert.datapath.IpFamily;
import dev.culvert.kernel.Errno;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import dev.culvert.kernel.netlink.VxlanLink;
import java.net.InetAddress;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Room for the outer headers in front of what containers send. Sockets leave as much room as the
 * container's device asks for; a veth asks for none of its own, so that each small packet has to be
 * copied into a larger buffer before it can be wrapped. No setting of a veth changes that, but the
 * kernel lets every port of a bridge ask for as much as the neediest port of the bridge does, and
 * the peers of veths too (ndo_set_rx_headroom). So the hosts' ends become ports of a bridge that
 * has a VXLAN device as another port, and does nothing else: bridge and device are never up, and
 * from_container sees to it that no packet stays in the bridge (docs/adr/0018). All of it is found
 * again by its alias, and removed like every device of ours.
 */
public final class Headroom {
  static final InterfaceName BRIDGE = new InterfaceName("culvert0-room");

  static final InterfaceName NEEDY_IPV4 = new InterfaceName("culvert0-needy");

  /**
   * As a second port of its own: a host that moves to IPv6 while containers run needs more room.
   */
  static final InterfaceName NEEDY_IPV6 = new InterfaceName("culvert0-needy6");

  /** No socket is opened for a device that is down; one for VXLAN-GPE, so nobody's tunnel port. */
  private static final int PORT = 4790;

  private static final int VNI = 1;

  /** Of documentation and discard only (RFC 5737, RFC 6666): nothing is ever sent from there. */
  private static final InetAddress LOCAL_IPV4 = InetAddress.ofLiteral("192.0.2.1");

  private static final InetAddress LOCAL_IPV6 = InetAddress.ofLiteral("100::1");

  private final Netlink netlink;
  private final OwnDevices devices;

  public Headroom(Netlink netlink, OwnDevices devices) {
    this.netlink = netlink;
    this.devices = devices;
  }

  /**
   * Makes bridge and device where they are missing, for the underlay's family: outer headers are 20
   * bytes longer over IPv6. A kernel that has no bridges goes without.
   *
   * @throws RefusedException when somebody else's device has one of the names
   */
  public void ensure(IpFamily underlay) {
    try {
      InterfaceName name = underlay == IpFamily.IPV4 ? NEEDY_IPV4 : NEEDY_IPV6;
      InetAddress local = underlay == IpFamily.IPV4 ? LOCAL_IPV4 : LOCAL_IPV6;
      VxlanLink wanting = VxlanLink.of(name, VNI, local, PORT);
      int bridge = ensure(BRIDGE, () -> netlink.createBridge(BRIDGE));
      int needy = ensure(name, () -> netlink.createVxlan(wanting));
      if (netlink.link(needy).map(LinkInfo::masterIndex).orElse(0) != bridge) {
        netlink.setMaster(needy, bridge);
      }
    } catch (KernelException e) {
      if (e.errno() != Errno.EOPNOTSUPP) {
        throw e;
      }
    }
  }

  private int ensure(InterfaceName name, Runnable creation) {
    return devices
        .find(name)
        .map(LinkInfo::index)
        .orElseGet(() -> devices.make(name, creation, _ -> {}));
  }

  /** The bridge's index; empty where there is none. */
  public OptionalInt bridge() {
    Optional<LinkInfo> bridge = devices.find(BRIDGE);
    return bridge.isPresent() ? OptionalInt.of(bridge.get().index()) : OptionalInt.empty();
  }

  /** Makes the host's end of a pair a port, before it is up; nothing where there is no bridge. */
  public void lend(int interfaceIndex) {
    devices.find(BRIDGE).ifPresent(bridge -> netlink.setMaster(interfaceIndex, bridge.index()));
  }

  /** Whether an interface is a port of our bridge, so that packets have to get past that. */
  public boolean lentTo(int interfaceIndex) {
    int master = netlink.link(interfaceIndex).map(LinkInfo::masterIndex).orElse(0);
    return master != 0
        && devices.find(BRIDGE).filter(bridge -> bridge.index() == master).isPresent();
  }
}
