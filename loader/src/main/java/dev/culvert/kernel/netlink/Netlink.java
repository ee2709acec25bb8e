// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfProgram;
import dev.culvert.kernel.host.NetNamespace;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * rtnetlink (rtnetlink(7)) over one socket, bound to the namespace it was opened in. Calls may come
 * from any thread; they take turns. Every refusal is a {@link KernelException} with the kernel's
 * extended acknowledgement as hint.
 */
public final class Netlink implements AutoCloseable {
  /**
   * The protocol number of our routes, among those that the kernel leaves to daemons
   * (linux/rtnetlink.h; those taken by others: etc/iproute2/rt_protos).
   */
  public static final int ROUTE_PROTOCOL = 203;

  /** RT_TABLE_MAIN. */
  public static final int TABLE_MAIN = 254;

  /** NUD_PERMANENT: an entry that neither ages nor is asked for. */
  public static final int NEIGHBOUR_PERMANENT = 0x80;

  private final Libc libc;
  private final NetNamespace namespace;
  private final NetlinkCalls calls;

  private Netlink(Libc libc, NetNamespace namespace, NetlinkSocket socket) {
    this.libc = libc;
    this.namespace = namespace;
    this.calls = new NetlinkCalls(socket);
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

  /**
   * {@return all routes of both families and all tables, local addresses too (table 255); one entry
   * for each next hop} Those that lead nowhere (blackhole, unreachable, prohibit), broadcast and
   * multicast are left out.
   */
  public List<RouteInfo> routes() {
    return calls
        .dumpBoth(RouteMessages::dump, "routes", NetlinkRequest.NEWROUTE)
        .map(RouteMessages::parse)
        .flatMap(List::stream)
        .toList();
  }

  /** {@return all neighbours of both families, in any state} */
  public List<NeighbourInfo> neighbours() {
    return calls
        .dumpBoth(NeighbourMessages::dump, "neighbours", NetlinkRequest.NEWNEIGH)
        .map(NeighbourMessages::parse)
        .flatMap(Optional::stream)
        .toList();
  }

  /**
   * The route that the kernel would take (RTM_GETROUTE).
   *
   * @param destination one address
   * @return empty when there is none or it leads nowhere; its {@code prefixLength} is that of the
   *     whole address
   */
  public Optional<RouteInfo> routeTo(InetAddress destination) {
    return routeTo(destination, Optional.empty());
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
  public Optional<RouteInfo> routeTo(InetAddress destination, InetAddress source) {
    return routeTo(destination, Optional.of(source));
  }

  private Optional<RouteInfo> routeTo(InetAddress destination, Optional<InetAddress> source) {
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
   * Adds or replaces a route.
   *
   * @param route with our protocol number, unless it has another, so that we know it again
   */
  public void replaceRoute(RouteInfo route) {
    calls.execute(RouteMessages.replace(route), Targets.of(route));
  }

  /**
   * The same for a route that runs a program of section {@code lwt_out} on each packet that it
   * sends, before the host's firewall gives packets another source (CONFIG_LWTUNNEL_BPF). The
   * kernel holds the program as long as it has the route.
   *
   * @param route as for the other
   * @param out stays the caller's
   */
  public void replaceRoute(RouteInfo route, BpfProgram out) {
    calls.execute(
        RouteMessages.replace(route, out.fd(), out.name()),
        Targets.of(route) + " with program " + out.name());
  }

  /**
   * Adds a route where there is none to that destination with the same metric.
   *
   * @param route with our protocol number unless it has one
   * @return false when there is one, whoever made it
   */
  public boolean addRoute(RouteInfo route) {
    return calls.executeIfFree(RouteMessages.add(route), Targets.of(route));
  }

  /**
   * The same for a route with a program; see {@link #replaceRoute(RouteInfo, BpfProgram)}.
   *
   * @param route with our protocol number unless it has one
   * @param out a program of section {@code lwt_out}
   * @return false when there is one, whoever made it
   */
  public boolean addRoute(RouteInfo route, BpfProgram out) {
    return calls.executeIfFree(
        RouteMessages.add(route, out.fd(), out.name()),
        Targets.of(route) + " with program " + out.name());
  }

  /**
   * Removes a route, if its protocol number is the same.
   *
   * @param route as it was added
   * @return false when there was none
   */
  public boolean removeRoute(RouteInfo route) {
    return calls.executeIfThere(RouteMessages.remove(route), Targets.of(route));
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
   * Removes an ARP or NDP entry.
   *
   * @param interfaceIndex whose link it is on
   * @param address of either family
   * @return false when there was none
   */
  public boolean removeNeighbour(int interfaceIndex, InetAddress address) {
    return calls.executeIfThere(
        NeighbourMessages.remove(interfaceIndex, address),
        Targets.neighbour(interfaceIndex, address));
  }

  /**
   * Tells a VXLAN device for good behind which VTEP a MAC address is (an FDB entry).
   *
   * @param interfaceIndex of the device
   * @param mac 6 bytes
   * @param vtep its underlay address
   */
  public void replaceForwarding(int interfaceIndex, byte[] mac, InetAddress vtep) {
    calls.execute(
        NeighbourMessages.replaceForwarding(interfaceIndex, mac, vtep),
        Targets.forwarding(interfaceIndex, vtep));
  }

  /**
   * Removes what {@link #replaceForwarding} told.
   *
   * @param interfaceIndex of the device
   * @param mac 6 bytes
   * @param vtep its underlay address
   * @return false when there was none
   */
  public boolean removeForwarding(int interfaceIndex, byte[] mac, InetAddress vtep) {
    return calls.executeIfThere(
        NeighbourMessages.removeForwarding(interfaceIndex, mac, vtep),
        Targets.forwarding(interfaceIndex, vtep));
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
