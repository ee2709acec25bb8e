// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import dev.culvert.datapath.Attachment;
import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.InterfaceExistsException;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.NoSuchContainerException;
import dev.culvert.datapath.Vni;
import dev.culvert.kernel.Errno;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.host.Ipv6Settings;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.NeighbourInfo;
import dev.culvert.kernel.netlink.Netlink;
import dev.culvert.kernel.netlink.VethEnd;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The veth pair between a container and this host: {@linkplain #create made} with both ends down,
 * so that programs and entries are in place before the first packet, then {@linkplain #configure
 * brought up}.
 */
public final class ContainerInterface implements AutoCloseable {

  private static final InterfaceName LOOPBACK = new InterfaceName("lo");

  private final Netlink host;
  private final Attachment attachment;
  private final NetNamespace namespace;
  private final Netlink inside;

  private ContainerInterface(
      Netlink host, Attachment attachment, NetNamespace namespace, Netlink inside) {
    this.host = host;
    this.attachment = attachment;
    this.namespace = namespace;
    this.inside = inside;
  }

  /** Opens the namespace; closing this lets go of it, and takes nothing away. */
  public static ContainerInterface open(Libc libc, Netlink host, Attachment attachment) {
    NetNamespace namespace = openContainer(libc, host, attachment.netns());
    try {
      return new ContainerInterface(host, attachment, namespace, Netlink.open(libc, namespace));
    } catch (RuntimeException e) {
      namespace.close();
      throw e;
    }
  }

  /**
   * The index of this host's end of the veth pair whose other end the container has under that
   * name. It is asked of the kernel, since a path may lead to another namespace than it did.
   *
   * @return empty when there is no such interface, or its other end is not on this host
   * @throws NoSuchContainerException when there is no such namespace
   * @throws RefusedException when it is the host's own
   */
  public static OptionalInt hostEnd(Libc libc, Netlink host, ContainerEnd container) {
    try (NetNamespace namespace = openContainer(libc, host, container.netns());
        Netlink inside = Netlink.open(libc, namespace)) {
      Optional<LinkInfo> there =
          inside.link(container.interfaceName()).filter(link -> link.kind().equals("veth"));
      return there
          .flatMap(link -> host.link(link.peerIndex()))
          .filter(here -> here.kind().equals("veth"))
          .filter(here -> here.peerIndex() == there.get().index())
          .stream()
          .mapToInt(LinkInfo::index)
          .findFirst();
    }
  }

  /**
   * Tells a container its gateway's MAC, as {@link #configure} does.
   *
   * @param endpoint with its container
   * @return false when another interface is there by now
   * @throws NoSuchContainerException when there is no such namespace
   */
  static boolean introduce(Libc libc, Netlink host, Endpoint endpoint, InetAddress gateway) {
    ContainerEnd container = endpoint.container().orElseThrow();
    OptionalInt here = hostEnd(libc, host, container);
    if (here.isEmpty() || here.getAsInt() != endpoint.interfaceIndex()) {
      return false;
    }
    try (NetNamespace namespace = openContainer(libc, host, container.netns());
        Netlink inside = Netlink.open(libc, namespace)) {
      int there = inside.link(container.interfaceName()).orElseThrow().index();
      inside.replaceNeighbour(new NeighbourInfo(there, gateway, endpoint.hostMac().toBytes()));
      return true;
    }
  }

  /**
   * A container's namespace, to be closed.
   *
   * @throws NoSuchContainerException when there is no namespace at that path
   * @throws RefusedException when it is the host's own: our routes would take the place of the
   *     host's, and go with the container
   */
  public static NetNamespace openContainer(Libc libc, Netlink host, Path path) {
    NetNamespace namespace = openNamespace(libc, path);
    if (namespace.isSameAs(host.namespace())) {
      namespace.close();
      throw new RefusedException(
          path
              + " is this host's own network namespace, as that of a container with the host's"
              + " network: it is in the overlay already, by the host's address.");
    }
    return namespace;
  }

  /**
   * Opens a namespace, the host's own or a container's.
   *
   * @return to be closed by the caller
   * @throws NoSuchContainerException when there is none at that path
   */
  public static NetNamespace openNamespace(Libc libc, Path path) {
    try {
      return NetNamespace.open(libc, path);
    } catch (RefusedException noNamespace) {
      throw new NoSuchContainerException(noNamespace.getMessage(), noNamespace);
    } catch (KernelException e) {
      if (e.errno() == Errno.ENOENT) {
        throw new NoSuchContainerException(e.getMessage(), e);
      }
      throw e;
    }
  }

  /**
   * The host's end, at most 15 characters: the address and the VNI for IPv4 (cv, 8 digits, then
   * base 36), a digest of both for IPv6.
   */
  public static InterfaceName hostName(Vni vni, InetAddress address) {
    if (IpFamily.of(address) == IpFamily.IPV4) {
      return new InterfaceName(
          "cv"
              + HexFormat.of().formatHex(address.getAddress())
              + Integer.toString(vni.value(), 36));
    }
    return new InterfaceName("c6" + HexFormat.of().formatHex(digest("name", vni, address), 0, 6));
  }

  /**
   * A MAC that depends on the endpoint alone, so that neighbours' caches stay true when a container
   * is made again. Chosen by us, since udev changes a MAC that the kernel chose, and does so after
   * we have read it (systemd.link(5), MACAddressPolicy).
   */
  private static MacAddress mac(String which, Vni vni, InetAddress address) {
    byte[] mac = Arrays.copyOf(digest(which, vni, address), 6);
    mac[0] = 0x0e; // unicast, locally administered
    return MacAddress.of(mac);
  }

  /** The MAC of the container's end. */
  public static MacAddress mac(Vni vni, InetAddress address) {
    return mac("container", vni, address);
  }

  /** The MAC of the host's end. */
  static MacAddress hostMac(Vni vni, InetAddress address) {
    return mac("host", vni, address);
  }

  /** Of the address as Java writes it, and not as we do: names and MACs outlive versions. */
  private static byte[] digest(String what, Vni vni, InetAddress address) {
    try {
      return MessageDigest.getInstance("SHA-256")
          .digest(
              (what + "/" + vni + "/" + address.getHostAddress()).getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("Every Java has SHA-256.", e);
    }
  }

  /**
   * Creates the pair, with the container's end straight in its namespace.
   *
   * @throws RefusedException when the namespace has an interface of that name already
   */
  public Endpoint create(Ownership ownership, Undo undo) {
    InterfaceName name = attachment.interfaceName();
    if (inside.link(name).isPresent()) {
      throw new InterfaceExistsException(
          "The namespace "
              + attachment.netns()
              + " has an interface "
              + name
              + " already: detach it first, or choose another name.");
    }
    InterfaceName hostName = hostName(attachment.vni(), attachment.address());
    MacAddress mac = mac(attachment.vni(), attachment.address());
    MacAddress hostMac = hostMac(attachment.vni(), attachment.address());
    host.createVeth(
        new VethEnd(hostName, -1, hostMac.toBytes(), attachment.mtuBytes()),
        new VethEnd(name, namespace.fd(), mac.toBytes(), attachment.mtuBytes()));
    LinkInfo here = host.link(hostName).orElseThrow();
    undo.push(() -> host.deleteLink(here.index()));
    host.setAlias(here.index(), ownership.alias(attachment.container()));
    return new Endpoint(
            attachment.vni(),
            attachment.addresses().stream().map(Attachment.Address::address).toList(),
            mac,
            new Endpoint.HostEnd(here.index(), hostMac, true))
        .withContainer(Optional.of(attachment.container()));
  }

  /**
   * Addresses and routes on both sides, and both up. All of it goes when the pair is deleted.
   *
   * @param plan of the host; of its networks those are routed through the gateways where the
   *     namespace has a default route of its own
   */
  public void configure(Endpoint endpoint, HostPlan plan, Undo undo) {
    bringLoopbackUp(undo);
    int here = endpoint.interfaceIndex();
    int there = inside.link(attachment.interfaceName()).orElseThrow().index();
    if (attachment.addresses().stream().anyMatch(a -> IpFamily.of(a.address()) == IpFamily.IPV6)) {
      prepareIpv6();
    }
    attachment.addresses().forEach(a -> inside.addAddress(there, a.address(), bits(a.address())));
    host.setUp(here, true);
    inside.setUp(there, true);
    String alias = host.link(here).map(LinkInfo::alias).orElse("");
    new Upkeep(host)
        .make(plan.container(endpoint, hostName(endpoint.vni(), endpoint.address()), alias));
    for (Attachment.Address address : attachment.addresses()) {
      introduceGateway(address.gateway(), endpoint, there);
      route(address, there, plan.networks());
    }
  }

  /**
   * Both ends may have IPv6 off, as many container runtimes and some hosts have it by default.
   * Nobody else is on this link, so duplicates need not be looked for (RFC 4862 section 5.4), and
   * no container is to be believed that it is a router, from the first moment on.
   */
  private void prepareIpv6() {
    InterfaceName hostName = hostName(attachment.vni(), attachment.address());
    Ipv6Settings settings = new Ipv6Settings(host.namespace());
    settings.set(hostName.text(), Ipv6Settings.ACCEPT_RA, 0);
    settings.set(hostName.text(), Ipv6Settings.ACCEPT_DAD, 0);
    settings.set(hostName.text(), Ipv6Settings.DISABLED, 0);
    Ipv6Settings container = new Ipv6Settings(namespace);
    container.set(attachment.interfaceName().text(), Ipv6Settings.ACCEPT_DAD, 0);
    container.set(attachment.interfaceName().text(), Ipv6Settings.DISABLED, 0);
  }

  /**
   * A host answers a neighbour solicitation only for addresses of the interface where it arrives
   * (RFC 4861 section 7.2.3), and with arp_ignore it keeps to that in ARP too (kube-proxy sets it
   * on all interfaces). So the container is told the answer beforehand.
   */
  private void introduceGateway(InetAddress gateway, Endpoint endpoint, int there) {
    inside.replaceNeighbour(new NeighbourInfo(there, gateway, endpoint.hostMac().toBytes()));
  }

  private void route(Attachment.Address address, int there, List<IpPrefix> networks) {
    InetAddress gateway = address.gateway();
    IpFamily family = IpFamily.of(gateway);
    inside.routes().replace(Routes.onLink(IpPrefix.of(gateway), there, Optional.empty()));
    if (inside.routes().all().stream().anyMatch(r -> Routes.isDefault(r, family))) {
      networks.stream()
          .filter(network -> network.family() == family)
          .forEach(network -> inside.routes().replace(Routes.via(network, gateway, there)));
    } else {
      inside.routes().replace(Routes.via(IpPrefix.everything(family), gateway, there));
    }
  }

  private static int bits(InetAddress address) {
    return IpPrefix.of(address).length();
  }

  private void bringLoopbackUp(Undo undo) {
    LinkInfo loopback = inside.link(LOOPBACK).orElseThrow();
    if (!loopback.up()) {
      inside.setUp(loopback.index(), true);
      undo.push(() -> inside.setUp(loopback.index(), false));
    }
  }

  @Override
  public void close() {
    inside.close();
    namespace.close();
  }
}
