// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;

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
  private final NetlinkSocket socket;

  private Netlink(Libc libc, NetNamespace namespace, NetlinkSocket socket) {
    this.libc = libc;
    this.namespace = namespace;
    this.socket = socket;
  }

  /**
   * An interface.
   *
   * @param index 1 or more, unique in its namespace
   * @param name as the kernel has it
   * @param kind as in {@code ip -d link} (veth, vxlan, bridge, ...), empty for a plain device
   * @param mtuBytes the largest packet that it carries, from the IP header on
   * @param up whether it is switched on, which does not say that it has a carrier
   * @param mac 6 bytes, or empty for a device that has none
   * @param peerIndex the other end of a veth, or the device below; 0 for none
   * @param masterIndex the bridge or the like that it is under; 0 for none
   * @param alias what {@link #setAlias} set; empty for none
   * @param peerNamespaceId where {@code peerIndex} counts, by the id of {@code ip netns list-id};
   *     -1 for this namespace
   */
  @SuppressWarnings("ArrayRecordComponent") // Raw bytes as the kernel has them; never compared.
  public record LinkInfo(
      int index,
      String name,
      String kind,
      int mtuBytes,
      boolean up,
      byte[] mac,
      int peerIndex,
      int masterIndex,
      String alias,
      int peerNamespaceId) {

    /**
     * The same with another MTU.
     *
     * @param bytes the largest IP packet
     * @return a new record
     */
    public LinkInfo withMtu(int bytes) {
      return new LinkInfo(
          index, name, kind, bytes, up, mac, peerIndex, masterIndex, alias, peerNamespaceId);
    }
  }

  /**
   * An address on an interface.
   *
   * @param interfaceIndex which one
   * @param address of either family
   * @param prefixLength of the network on the link, in bits
   */
  public record AddressInfo(int interfaceIndex, InetAddress address, int prefixLength) {}

  /**
   * A neighbour: an ARP or NDP entry.
   *
   * @param interfaceIndex whose link it is on
   * @param address of either family
   * @param mac 6 bytes; empty while it is unknown
   * @param state as in linux/neighbour.h, such as {@link #NEIGHBOUR_PERMANENT}
   */
  @SuppressWarnings("ArrayRecordComponent") // Raw bytes as the kernel has them; never compared.
  public record NeighbourInfo(int interfaceIndex, InetAddress address, byte[] mac, int state) {}

  /**
   * A veth end to create.
   *
   * @param name of the end in its namespace
   * @param namespaceFd an open namespace ({@link NetNamespace#fd}), or -1 for this one
   * @param mac 6 bytes; empty lets the kernel choose
   * @param mtuBytes 0 lets the kernel choose
   */
  @SuppressWarnings("ArrayRecordComponent") // Raw bytes for the kernel; never compared.
  public record VethEnd(InterfaceName name, int namespaceFd, byte[] mac, int mtuBytes) {}

  /**
   * A VXLAN device for one network, without learning, as flannel sets it up.
   *
   * @param name of the device
   * @param vni of the network, 24 bits
   * @param local the underlay address that it sends from
   * @param underlayIndex the interface that it sends by; 0 leaves the choice to routing
   * @param port UDP port of the tunnel
   * @param mac 6 bytes; empty lets the kernel choose
   * @param mtuBytes 0 lets the kernel choose
   */
  @SuppressWarnings("ArrayRecordComponent") // Raw bytes for the kernel; never compared.
  public record VxlanLink(
      InterfaceName name,
      int vni,
      InetAddress local,
      int underlayIndex,
      int port,
      byte[] mac,
      int mtuBytes) {
    /**
     * What else there is to say is left to the kernel.
     *
     * @param name of the device
     * @param vni of the network, 24 bits
     * @param local the underlay address that it sends from
     * @param port UDP port of the tunnel
     * @return the device to create
     */
    public static VxlanLink of(InterfaceName name, int vni, InetAddress local, int port) {
      return new VxlanLink(name, vni, local, 0, port, new byte[0], 0);
    }

    /**
     * {@return the same over one interface}
     *
     * @param otherIndex the interface that it sends by
     */
    public VxlanLink over(int otherIndex) {
      return new VxlanLink(name, vni, local, otherIndex, port, mac, mtuBytes);
    }

    /**
     * {@return the same with a MAC address and an MTU}
     *
     * @param otherMac 6 bytes
     * @param otherMtuBytes the largest inner packet
     */
    public VxlanLink with(byte[] otherMac, int otherMtuBytes) {
      return new VxlanLink(name, vni, local, underlayIndex, port, otherMac, otherMtuBytes);
    }
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
    return dump(LinkMessages.dump(), "interfaces", NetlinkRequest.NEWLINK)
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
    return index > 0 ? oneLink(LinkMessages.get(index), target(index)) : Optional.empty();
  }

  private Optional<LinkInfo> oneLink(NetlinkMessage message, String target) {
    try {
      return socket.query(new NetlinkRequest(message, target)).stream()
          .filter(reply -> reply.type() == NetlinkRequest.NEWLINK)
          .findFirst()
          .map(LinkMessages::parse);
    } catch (KernelException refused) {
      if (refused.errno() == Errno.ENODEV) {
        return Optional.empty();
      }
      throw refused;
    }
  }

  /** {@return all addresses of the namespace's interfaces, of both families} */
  public List<AddressInfo> addresses() {
    return dump(AddressMessages.dump(), "addresses", NetlinkRequest.NEWADDR)
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
    List<RouteInfo> routes = new ArrayList<>();
    for (int family : FAMILIES) {
      dump(RouteMessages.dump(family), "routes", NetlinkRequest.NEWROUTE)
          .filter(reply -> reply.u8(0) == family)
          .map(RouteMessages::parse)
          .forEach(routes::addAll);
    }
    return List.copyOf(routes);
  }

  /** {@return all neighbours of both families, in any state} */
  public List<NeighbourInfo> neighbours() {
    List<NeighbourInfo> neighbours = new ArrayList<>();
    for (int family : FAMILIES) {
      dump(NeighbourMessages.dump(family), "neighbours", NetlinkRequest.NEWNEIGH)
          .filter(reply -> reply.u8(0) == family)
          .map(NeighbourMessages::parse)
          .forEach(found -> found.ifPresent(neighbours::add));
    }
    return List.copyOf(neighbours);
  }

  private static final int[] FAMILIES = {AddressMessages.AF_INET, AddressMessages.AF_INET6};

  private Stream<NetlinkReply> dump(NetlinkMessage message, String target, int type) {
    // Every answer begins with a family's header; one byte of it is read before the whole is.
    return socket.dump(new NetlinkRequest(message, target)).stream()
        .filter(reply -> reply.type() == type)
        .map(reply -> reply.require(1));
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
    NetlinkRequest request =
        new NetlinkRequest(
            RouteMessages.lookup(destination, source), "route to " + IpAddresses.text(destination));
    try {
      return socket.query(request).stream()
          .filter(reply -> reply.type() == NetlinkRequest.NEWROUTE)
          .findFirst();
    } catch (KernelException refused) {
      boolean nowhere =
          switch (refused.errno()) {
            case ENETUNREACH, EHOSTUNREACH -> true;
            case EACCES -> true; // A prohibit route.
            case EINVAL -> refused.hint().isEmpty(); // A blackhole; a bad request is explained.
            default -> false;
          };
      if (nowhere) {
        return Optional.empty();
      }
      throw refused;
    }
  }

  /**
   * Creates a pair of veth devices, down.
   *
   * @param here one end
   * @param peer the other
   * @throws KernelException EEXIST when a name is taken
   */
  public void createVeth(VethEnd here, VethEnd peer) {
    execute(LinkMessages.createVeth(here, peer), "veth " + here.name() + " with " + peer.name());
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
      execute(message, target);
    } catch (KernelException refused) {
      if (refused.errno() != Errno.EEXIST) {
        throw refused;
      }
      throw new KernelException(
          refused.call(),
          target,
          refused.errnoNumber(),
          "an interface has that name, or another VXLAN device has that port and VNI"
              + " (see \"ip -d link show type vxlan\")");
    }
  }

  /**
   * Creates a bridge without ports, down.
   *
   * @param name of the bridge
   * @throws KernelException EEXIST when the name is taken
   */
  public void createBridge(InterfaceName name) {
    execute(LinkMessages.createBridge(name), "bridge " + name);
  }

  /**
   * Deletes an interface, of a veth pair both ends.
   *
   * @param index of the interface
   * @throws KernelException ENODEV when there is none
   */
  public void deleteLink(int index) {
    execute(LinkMessages.delete(index), target(index));
  }

  /**
   * Switches an interface on or off.
   *
   * @param index of the interface
   * @param up false for off
   */
  public void setUp(int index, boolean up) {
    execute(LinkMessages.setUp(index, up), target(index));
  }

  /**
   * Sets the largest packet that an interface carries.
   *
   * @param index of the interface
   * @param mtuBytes from the IP header on
   * @throws KernelException EINVAL when the device cannot carry as much, or as little
   */
  public void setMtu(int index, int mtuBytes) {
    execute(LinkMessages.setMtu(index, mtuBytes), target(index) + ", MTU " + mtuBytes);
  }

  /**
   * Sets an interface's MAC address.
   *
   * @param index of the interface
   * @param mac 6 bytes
   * @throws IllegalArgumentException when it has not 6 bytes
   */
  public void setMac(int index, byte[] mac) {
    execute(LinkMessages.setMac(index, mac), target(index));
  }

  /**
   * Sets the alias, a text that the kernel keeps for people and for us: how we know what we
   * created.
   *
   * @param index of the interface
   * @param alias at most 255 bytes; empty takes it away
   */
  public void setAlias(int index, String alias) {
    execute(LinkMessages.setAlias(index, alias), target(index));
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
      execute(LinkMessages.setNoLinkLocal(index), target(index));
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
      execute(LinkMessages.rename(index, name), target(index) + " to " + name);
    } catch (KernelException refused) {
      if (refused.errno() != Errno.EBUSY) {
        throw refused;
      }
      setUp(index, false);
      execute(LinkMessages.rename(index, name), target(index) + " to " + name);
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
    execute(
        LinkMessages.setIpv4Setting(index, LinkMessages.IPV4_FORWARDING, forward ? 1 : 0),
        target(index));
  }

  /**
   * Lets in only IPv4 packets whose source is routed to this very interface (RFC 3704 section 2.2,
   * strict reverse path forwarding).
   *
   * @param index of the interface
   */
  public void setStrictReversePath(int index) {
    execute(LinkMessages.setIpv4Setting(index, LinkMessages.IPV4_RP_FILTER, 1), target(index));
  }

  /**
   * Lets in IPv4 packets whose source is routed anywhere (RFC 3704 section 2.4, loose reverse path
   * forwarding), also where the setting of all interfaces is strict: the larger number counts.
   *
   * @param index of the interface
   */
  public void setLooseReversePath(int index) {
    execute(LinkMessages.setIpv4Setting(index, LinkMessages.IPV4_RP_FILTER, 2), target(index));
  }

  /**
   * Puts an interface under a bridge.
   *
   * @param index of the interface
   * @param master the bridge's; 0 takes it out
   */
  public void setMaster(int index, int master) {
    execute(LinkMessages.setMaster(index, master), target(index) + " under " + target(master));
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
    execute(AddressMessages.add(info), target(info));
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
    execute(AddressMessages.remove(info), target(info));
  }

  /**
   * Adds or replaces a route.
   *
   * @param route with our protocol number, unless it has another, so that we know it again
   */
  public void replaceRoute(RouteInfo route) {
    execute(RouteMessages.replace(route), target(route));
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
    execute(
        RouteMessages.replace(route, out.fd(), out.name()),
        target(route) + " with program " + out.name());
  }

  /**
   * Adds a route where there is none to that destination with the same metric.
   *
   * @param route with our protocol number unless it has one
   * @return false when there is one, whoever made it
   */
  public boolean addRoute(RouteInfo route) {
    return executeIfFree(RouteMessages.add(route), target(route));
  }

  /**
   * The same for a route with a program; see {@link #replaceRoute(RouteInfo, BpfProgram)}.
   *
   * @param route with our protocol number unless it has one
   * @param out a program of section {@code lwt_out}
   * @return false when there is one, whoever made it
   */
  public boolean addRoute(RouteInfo route, BpfProgram out) {
    return executeIfFree(
        RouteMessages.add(route, out.fd(), out.name()),
        target(route) + " with program " + out.name());
  }

  private boolean executeIfFree(NetlinkMessage message, String target) {
    try {
      execute(message, target);
      return true;
    } catch (KernelException refused) {
      if (refused.errno() == Errno.EEXIST) {
        return false;
      }
      throw refused;
    }
  }

  /**
   * Removes a route, if its protocol number is the same.
   *
   * @param route as it was added
   * @return false when there was none
   */
  public boolean removeRoute(RouteInfo route) {
    return executeIfThere(RouteMessages.remove(route), target(route));
  }

  /**
   * Adds or replaces an ARP or NDP entry.
   *
   * @param neighbour with its MAC address
   */
  public void replaceNeighbour(NeighbourInfo neighbour) {
    execute(
        NeighbourMessages.replace(neighbour),
        neighbour(neighbour.interfaceIndex(), neighbour.address()));
  }

  /**
   * Removes an ARP or NDP entry.
   *
   * @param interfaceIndex whose link it is on
   * @param address of either family
   * @return false when there was none
   */
  public boolean removeNeighbour(int interfaceIndex, InetAddress address) {
    return executeIfThere(
        NeighbourMessages.remove(interfaceIndex, address), neighbour(interfaceIndex, address));
  }

  /**
   * Tells a VXLAN device for good behind which VTEP a MAC address is (an FDB entry).
   *
   * @param interfaceIndex of the device
   * @param mac 6 bytes
   * @param vtep its underlay address
   */
  public void replaceForwarding(int interfaceIndex, byte[] mac, InetAddress vtep) {
    execute(
        NeighbourMessages.replaceForwarding(interfaceIndex, mac, vtep),
        "FDB entry to " + IpAddresses.text(vtep) + " on " + target(interfaceIndex));
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
    return executeIfThere(
        NeighbourMessages.removeForwarding(interfaceIndex, mac, vtep),
        "FDB entry to " + IpAddresses.text(vtep) + " on " + target(interfaceIndex));
  }

  private void execute(NetlinkMessage message, String target) {
    socket.execute(new NetlinkRequest(message, target));
  }

  private boolean executeIfThere(NetlinkMessage message, String target) {
    try {
      execute(message, target);
      return true;
    } catch (KernelException refused) {
      if (refused.errnoNumber() == NetlinkRequest.ESRCH || refused.errno() == Errno.ENOENT) {
        return false;
      }
      throw refused;
    }
  }

  private static String target(int index) {
    return index == 0 ? "no interface" : "interface " + index;
  }

  private static String target(AddressInfo address) {
    return "address "
        + IpAddresses.text(address.address())
        + "/"
        + address.prefixLength()
        + " of "
        + target(address.interfaceIndex());
  }

  private static String target(RouteInfo route) {
    return "route "
        + IpAddresses.text(route.destination())
        + "/"
        + route.prefixLength()
        + route.gateway().map(gateway -> " via " + IpAddresses.text(gateway)).orElse("")
        + " on "
        + target(route.interfaceIndex());
  }

  private static String neighbour(int interfaceIndex, InetAddress address) {
    return "neighbour " + IpAddresses.text(address) + " on " + target(interfaceIndex);
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
    socket.close();
    namespace.close();
  }
}
