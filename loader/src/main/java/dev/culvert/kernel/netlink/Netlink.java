// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.host.NetNamespace;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;

/**
 * rtnetlink (rtnetlink(7)) over one socket, bound to the namespace it was opened in. Calls may come
 * from any thread; they take turns. Every refusal is a {@link KernelException} with the kernel's
 * extended acknowledgement as hint.
 */
public final class Netlink implements AutoCloseable {
  private final Libc libc;
  private final NetNamespace namespace;
  private final NetlinkCalls calls;
  private final RouteTables routes;

  private Netlink(Libc libc, NetNamespace namespace, NetlinkSocket socket) {
    this.libc = libc;
    this.namespace = namespace;
    this.calls = new NetlinkCalls(socket);
    this.routes = new RouteTables(calls);
  }

  /**
   * Opens a socket in the calling thread's namespace.
   *
   * @param libc the way to the kernel
   * @return the caller's to close
   */
  public static Netlink open(Libc libc) {
    NetNamespace namespace = NetNamespace.current(libc);
    try {
      return new Netlink(libc, namespace, NetlinkSocket.open(libc));
    } catch (RuntimeException failed) {
      namespace.close();
      throw failed;
    }
  }

  /**
   * Opens a socket in another namespace.
   *
   * @param libc the way to the kernel
   * @param namespace stays the caller's, who may close it afterwards
   * @return the caller's to close
   */
  public static Netlink open(Libc libc, NetNamespace namespace) {
    return namespace.run(() -> open(libc));
  }

  /** {@return the routes of the namespace, over this socket} */
  public RouteTables routes() {
    return routes;
  }

  /** {@return the namespace that this socket is bound to; closed with it} */
  public NetNamespace namespace() {
    return namespace;
  }

  /** {@return all interfaces of the namespace, in the kernel's order} */
  public List<LinkInfo> links() {
    return calls
        .dump(LinkMessages.dump(), "interfaces", NetlinkRequest.NEWLINK)
        .map(LinkMessages::parse)
        .toList();
  }

  /**
   * {@return an interface; empty when there is none of that name}
   *
   * @param name in this socket's namespace
   */
  public Optional<LinkInfo> link(InterfaceName name) {
    return oneLink(LinkMessages.get(name), "interface " + name);
  }

  /**
   * {@return an interface; empty when there is none with that index}
   *
   * @param index in this socket's namespace; 0 and less is nobody's
   */
  public Optional<LinkInfo> link(int index) {
    return index > 0 ? oneLink(LinkMessages.get(index), Targets.of(index)) : Optional.empty();
  }

  private Optional<LinkInfo> oneLink(NetlinkMessage message, String target) {
    return calls
        .one(
            new NetlinkRequest(message, target),
            NetlinkRequest.NEWLINK,
            refused -> refused.errno() == Errno.ENODEV)
        .map(LinkMessages::parse);
  }

  /** {@return all addresses of the namespace's interfaces, of both families} */
  public List<AddressInfo> addresses() {
    return calls
        .dump(AddressMessages.dump(), "addresses", NetlinkRequest.NEWADDR)
        .map(AddressMessages::parse)
        .flatMap(Optional::stream)
        .toList();
  }

  /** {@return the same without IPv6's temporary and deprecated ones, and those of others} */
  public List<AddressInfo> lastingAddresses() {
    return calls
        .dump(AddressMessages.dump(), "addresses", NetlinkRequest.NEWADDR)
        .filter(AddressMessages::lasts)
        .map(AddressMessages::parse)
        .flatMap(Optional::stream)
        .toList();
  }

  /**
   * Creates a pair of veth devices, down.
   *
   * @param here one end
   * @param peer the other
   * @throws KernelException EEXIST when a name is taken
   */
  public void createVeth(VethEnd here, VethEnd peer) {
    calls.execute(
        LinkMessages.createVeth(here, peer), "veth " + here.name() + " with " + peer.name());
  }

  /**
   * Creates a {@code vxlan external} device (collect metadata) that will listen on a UDP port,
   * without learning. Another VXLAN device with that port makes this fail with EEXIST, or {@link
   * #setUp} with EADDRINUSE, as does any other socket.
   *
   * @param name of the device
   * @param port UDP port of the tunnel
   * @param mac 6 bytes; empty lets the kernel choose
   * @param mtuBytes 0 lets the kernel choose
   * @throws KernelException EEXIST when the name or the port is taken
   */
  public void createExternalVxlan(InterfaceName name, int port, byte[] mac, int mtuBytes) {
    createVxlanDevice(
        LinkMessages.createExternalVxlan(name, port, mac, mtuBytes),
        "external vxlan " + name + " on UDP port " + port);
  }

  /**
   * Creates a VXLAN device for one network, as other overlays do.
   *
   * @param link what it is to be
   * @throws KernelException EEXIST when the name, or the port with the VNI, is taken
   */
  public void createVxlan(VxlanLink link) {
    createVxlanDevice(
        LinkMessages.createVxlan(link),
        "vxlan " + link.name() + " with VNI " + link.vni() + " on UDP port " + link.port());
  }

  private void createVxlanDevice(NetlinkMessage message, String target) {
    try {
      calls.execute(message, target);
    } catch (KernelException refused) {
      throw LinkMessages.vxlanRefused(refused);
    }
  }

  /**
   * Creates a bridge without ports, down.
   *
   * @param name of the bridge
   * @throws KernelException EEXIST when the name is taken
   */
  public void createBridge(InterfaceName name) {
    calls.execute(LinkMessages.createBridge(name), "bridge " + name);
  }

  /**
   * Deletes an interface, of a veth pair both ends.
   *
   * @param index of the interface
   * @throws KernelException ENODEV when there is none
   */
  public void deleteLink(int index) {
    calls.execute(LinkMessages.delete(index), Targets.of(index));
  }

  /**
   * Switches an interface on or off.
   *
   * @param index of the interface
   * @param up false for off
   */
  public void setUp(int index, boolean up) {
    calls.execute(LinkMessages.setUp(index, up), Targets.of(index));
  }

  /**
   * Sets the largest packet that an interface carries.
   *
   * @param index of the interface
   * @param mtuBytes from the IP header on
   * @throws KernelException EINVAL when the device cannot carry as much, or as little
   */
  public void setMtu(int index, int mtuBytes) {
    calls.execute(LinkMessages.setMtu(index, mtuBytes), Targets.of(index) + ", MTU " + mtuBytes);
  }

  /**
   * Sets an interface's MAC address.
   *
   * @param index of the interface
   * @param mac 6 bytes
   * @throws IllegalArgumentException when it has not 6 bytes
   */
  public void setMac(int index, byte[] mac) {
    calls.execute(LinkMessages.setMac(index, mac), Targets.of(index));
  }

  /**
   * Sets the alias, a text that the kernel keeps for people and for us: how we know what we
   * created.
   *
   * @param index of the interface
   * @param alias at most 255 bytes; empty takes it away
   */
  public void setAlias(int index, String alias) {
    calls.execute(LinkMessages.setAlias(index, alias), Targets.of(index));
  }

  /**
   * Keeps the kernel from giving the interface an IPv6 link-local address when it comes up, and so
   * from multicasting on its own account. Without IPv6 in the kernel there is nothing to keep it
   * from.
   *
   * @param index of the interface
   */
  public void setNoLinkLocal(int index) {
    try {
      calls.execute(LinkMessages.setNoLinkLocal(index), Targets.of(index));
    } catch (KernelException e) {
      if (e.errno() != Errno.EAFNOSUPPORT) {
        throw e;
      }
    }
  }

  /**
   * Renames an interface; one that is up is taken down for it where the kernel asks for that
   * (before 6.2), so that its IPv6 addresses and all its routes go.
   *
   * @param index of the interface
   * @param name the new one
   * @throws KernelException EEXIST when another has it, ENODEV when there is no such interface
   */
  public void rename(int index, InterfaceName name) {
    try {
      calls.execute(LinkMessages.rename(index, name), Targets.of(index) + " to " + name);
    } catch (KernelException refused) {
      if (refused.errno() != Errno.EBUSY) {
        throw refused;
      }
      setUp(index, false);
      calls.execute(LinkMessages.rename(index, name), Targets.of(index) + " to " + name);
      setUp(index, true);
    }
  }

  /**
   * Says whether IPv4 packets that enter by an interface may be forwarded by another.
   *
   * @param index of the interface
   * @param forward whether they may
   */
  public void setIpv4Forwarding(int index, boolean forward) {
    calls.execute(
        LinkMessages.setIpv4Setting(index, LinkMessages.IPV4_FORWARDING, forward ? 1 : 0),
        Targets.of(index));
  }

  /**
   * Lets in only IPv4 packets whose source is routed to this very interface (RFC 3704 section 2.2,
   * strict reverse path forwarding).
   *
   * @param index of the interface
   */
  public void setStrictReversePath(int index) {
    calls.execute(
        LinkMessages.setIpv4Setting(index, LinkMessages.IPV4_RP_FILTER, 1), Targets.of(index));
  }

  /**
   * Lets in IPv4 packets whose source is routed anywhere (RFC 3704 section 2.4, loose reverse path
   * forwarding), also where the setting of all interfaces is strict: the larger number counts.
   *
   * @param index of the interface
   */
  public void setLooseReversePath(int index) {
    calls.execute(
        LinkMessages.setIpv4Setting(index, LinkMessages.IPV4_RP_FILTER, 2), Targets.of(index));
  }

  /**
   * Puts an interface under a bridge.
   *
   * @param index of the interface
   * @param master the bridge's; 0 takes it out
   */
  public void setMaster(int index, int master) {
    calls.execute(
        LinkMessages.setMaster(index, master), Targets.of(index) + " under " + Targets.of(master));
  }

  /**
   * Adds an address, usable at once: IPv6 too, without duplicate address detection.
   *
   * @param index of the interface
   * @param address of either family
   * @param prefixLength of the network on the link, in bits
   * @throws KernelException EEXIST when the interface has it
   */
  public void addAddress(int index, InetAddress address, int prefixLength) {
    AddressInfo info = new AddressInfo(index, address, prefixLength);
    calls.execute(AddressMessages.add(info), Targets.of(info));
  }

  /**
   * Removes an address.
   *
   * @param index of the interface
   * @param address of either family
   * @param prefixLength as it was added
   * @throws KernelException EADDRNOTAVAIL when the interface does not have it
   */
  public void removeAddress(int index, InetAddress address, int prefixLength) {
    AddressInfo info = new AddressInfo(index, address, prefixLength);
    calls.execute(AddressMessages.remove(info), Targets.of(info));
  }

  /**
   * Adds or replaces an ARP or NDP entry.
   *
   * @param neighbour with its MAC address
   */
  public void replaceNeighbour(NeighbourInfo neighbour) {
    calls.execute(
        NeighbourMessages.replace(neighbour),
        Targets.neighbour(neighbour.interfaceIndex(), neighbour.address()));
  }

  /**
   * Listens for changes of links, addresses, routes and neighbours on a socket and a daemon thread
   * of its own, in the namespace of this socket. The listener gets no detail: it is told that
   * something changed (also after a lost message, ENOBUFS) and reads what it needs.
   *
   * @param listener called often; it must not wait for long
   * @return the caller's to close, which stops it; it outlives this socket
   */
  public AutoCloseable watch(Runnable listener) {
    return namespace.run(() -> LinkMonitor.start(libc, listener));
  }

  @Override
  public void close() {
    calls.close();
    namespace.close();
  }
}
