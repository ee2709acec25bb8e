// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.Attachment;
import dev.culvert.datapath.Change;
import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Decapsulation;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.Gateway;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.Masquerade;
import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import dev.culvert.datapath.pin.Pins;
import dev.culvert.datapath.table.Tables;
import dev.culvert.datapath.userspace.UserspaceConfig;
import dev.culvert.datapath.userspace.UserspaceDatapath;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.testing.BpfFolder;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;

/**
 * Two hosts in two networks, a container on each, and a router that knows nothing of the overlay,
 * which has both IP families; the underlay has one of them.
 *
 * <pre>
 *   P-c1 10.244.1.2 ── P-h1 10.17.2.2 ── P-r ── 10.18.2.2 P-h2 ── 10.244.2.2 P-c2
 *                      10.244.1.1                            10.244.2.1
 *   fd00:244:1::2      fd00:17::2 (or)            fd00:18::2       fd00:244:2::2
 * </pre>
 */
final class TwoHosts implements AutoCloseable {
  static final Vni VNI = new Vni(1);
  static final IpPrefix NETWORK = IpPrefix.parse("10.244.0.0/16");
  static final IpPrefix NETWORK6 = IpPrefix.parse("fd00:244::/32");
  static final String UNDERLAY = "under0";

  private final Libc libc = Libc.system();
  private final String prefix;
  private final boolean underlay6;
  private final List<String> namespaces;
  private Optional<Masquerade> masquerade = Optional.empty();

  /** One of the two, by number 1 or 2. */
  record Host(String prefix, boolean underlay6, int number) {
    String namespace() {
      return prefix + "-h" + number;
    }

    String container() {
      return prefix + "-c" + number;
    }

    Path pins() {
      return Path.of("/sys/fs/bpf/culvert/" + namespace());
    }

    String underlay() {
      return underlay6 ? "fd00:" + (16 + number) + "::2" : "10." + (16 + number) + ".2.2";
    }

    String underlayGateway() {
      return underlay6 ? "fd00:" + (16 + number) + "::1" : "10." + (16 + number) + ".2.1";
    }

    MacAddress mac() {
      return MacAddress.parse("02:aa:00:00:00:0" + number);
    }

    Vtep vtep(int port) {
      return new Vtep(InetAddress.ofLiteral(underlay()), port, mac());
    }

    String overlay() {
      return "10.244." + number;
    }

    String containerAddress() {
      return overlay() + ".2";
    }

    String overlay6() {
      return "fd00:244:" + number + "::";
    }

    String containerAddress6() {
      return overlay6() + "2";
    }

    Subnet subnet6() {
      return new Subnet(VNI, IpPrefix.parse(overlay6() + "/64"));
    }

    List<Gateway> gateways() {
      return List.of(
          new Gateway(gateway(), NETWORK),
          new Gateway(InetAddress.ofLiteral(overlay6() + "1"), NETWORK6));
    }

    Subnet subnet() {
      return new Subnet(VNI, IpPrefix.parse(overlay() + ".0/24"));
    }

    InetAddress gateway() {
      return InetAddress.ofLiteral(overlay() + ".1");
    }

    InetAddress gateway(IpFamily family) {
      return family == IpFamily.IPV4 ? gateway() : gateways().getLast().address();
    }

    String run(String command) {
      return Commands.in(namespace(), command);
    }
  }

  /**
   * Makes the namespaces.
   *
   * @param prefix of their names, the test's own
   */
  TwoHosts(String prefix) {
    this(prefix, false);
  }

  TwoHosts(String prefix, boolean underlay6) {
    this.prefix = prefix;
    this.underlay6 = underlay6;
    this.namespaces =
        List.of(prefix + "-h1", prefix + "-h2", prefix + "-r", prefix + "-c1", prefix + "-c2");
    BpfFolder.mount();
    close();
    namespaces.forEach(name -> Commands.run("ip netns add " + name));
    List.of(router(), host(1).namespace(), host(2).namespace()).forEach(Commands::forward);
    List.of(host(1), host(2)).forEach(this::build);
  }

  private void build(Host host) {
    String ip = "ip -n " + host.namespace();
    String port = "port" + host.number();
    String length = underlay6 ? "/64" : "/24";
    Commands.run(ip + " link add under0 type veth peer name " + port + " netns " + router());
    Commands.run(ip + " addr add " + host.underlay() + length + " dev under0");
    Commands.run(ip + " link set lo up");
    Commands.run(ip + " link set under0 up");
    Commands.run(
        "ip -n " + router() + " addr add " + host.underlayGateway() + length + " dev " + port);
    Commands.run("ip -n " + router() + " link set " + port + " up");
    Commands.run(ip + " route add default via " + host.underlayGateway());
  }

  /** Has hosts that start from now on masquerade. */
  void masquerade(Masquerade wish) {
    masquerade = Optional.of(wish);
  }

  Host host(int number) {
    return new Host(prefix, underlay6, number);
  }

  String router() {
    return prefix + "-r";
  }

  /** Cuts superpackets on the underlay, as a wire without tunnel offloads would. */
  void wireMode() {
    offloads(false, true);
  }

  /**
   * Sets the underlay's offloads.
   *
   * @param segmentation whether superpackets cross it whole
   * @param checksum whether checksums are left to the devices, or filled in before
   */
  void offloads(boolean segmentation, boolean checksum) {
    String gso =
        " tso X gso X tx-udp_tnl-segmentation X tx-udp_tnl-csum-segmentation X tx-udp-segmentation X"
            .replace("X", segmentation ? "on" : "off");
    String all = gso + " tx " + (checksum ? "on" : "off");
    for (Host host : List.of(host(1), host(2))) {
      host.run("ethtool -K under0" + all + " gro " + (segmentation ? "off" : "on"));
      Commands.in(router(), "ethtool -K port" + host.number() + all);
    }
  }

  /** Makes a host a tunnel end of Culvert's, its container attached, the other host known. */
  EbpfDatapath startCulvert(Host own, Host other, int port) throws Exception {
    return in(
        own,
        () -> {
          EbpfDatapath datapath = open(own, port, Decapsulation.TC);
          fill(datapath, own, other, port);
          return datapath;
        });
  }

  /** Takes over what {@link #startCulvert} left, decapsulating elsewhere. */
  EbpfDatapath takeOver(Host own, int port, Decapsulation decapsulation) throws Exception {
    return in(own, () -> open(own, port, decapsulation));
  }

  /** Makes a host a tunnel end without eBPF, its container attached, the other host known. */
  UserspaceDatapath startUserspace(Host own, Host other, int port) throws Exception {
    return in(
        own,
        () -> {
          UserspaceDatapath datapath = openUserspace(own, port);
          fill(datapath, own, other, port);
          return datapath;
        });
  }

  /** The same, where {@link #startUserspace} has left a container's interface. */
  UserspaceDatapath restartUserspace(Host own, Host other, int port) throws Exception {
    return in(
        own,
        () -> {
          UserspaceDatapath datapath = openUserspace(own, port);
          putSubnets(datapath, own, other, port);
          return datapath;
        });
  }

  private UserspaceDatapath openUserspace(Host own, int port) {
    UserspaceConfig.Builder config =
        UserspaceConfig.builder(own.namespace(), new InterfaceName(UNDERLAY), VNI).port(port);
    masquerade.ifPresent(config::masquerade);
    UserspaceDatapath datapath = UserspaceDatapath.open(libc, config.build());
    datapath.start(VNI, own.vtep(port), own.gateways());
    return datapath;
  }

  private <T> T in(Host own, Callable<T> work) throws Exception {
    try (NetNamespace namespace = NetNamespace.named(libc, own.namespace())) {
      return namespace.call(work);
    }
  }

  /** As {@link #startCulvert}, with outer UDP checksums over IPv6. */
  EbpfDatapath startWithChecksums(Host own, Host other, int port) throws Exception {
    return in(
        own,
        () -> {
          EbpfDatapath datapath = open(own, port, Decapsulation.TC, true);
          fill(datapath, own, other, port);
          return datapath;
        });
  }

  private EbpfDatapath open(Host own, int port, Decapsulation decapsulation) {
    return open(own, port, decapsulation, false);
  }

  private EbpfDatapath open(Host own, int port, Decapsulation decapsulation, boolean udpChecksum6) {
    EbpfConfig.Builder config =
        EbpfConfig.builder(own.pins(), new InterfaceName(UNDERLAY))
            .port(port)
            .decapsulation(decapsulation)
            .udpChecksum6(udpChecksum6);
    masquerade.ifPresent(config::masquerade);
    EbpfDatapath datapath = EbpfDatapath.open(libc, config.build());
    datapath.start(VNI, own.vtep(port), own.gateways());
    return datapath;
  }

  private static void fill(Datapath datapath, Host own, Host other, int port) {
    putSubnets(datapath, own, other, port);
    Attachment.Address second =
        new Attachment.Address(
            InetAddress.ofLiteral(own.containerAddress6()), own.gateways().getLast().address());
    attach(datapath, own, own.container(), List.of(first(own, own.containerAddress()), second));
  }

  private static void putSubnets(Datapath datapath, Host own, Host other, int port) {
    Optional<NextHop> way = datapath.nextHop(other.vtep(port).address());
    List<Datapath.Failure> failures =
        datapath.apply(
            List.of(
                new Change.PutLocal(new LocalSubnet(own.subnet(), 0)),
                new Change.PutLocal(new LocalSubnet(own.subnet6(), 0)),
                remote(other.subnet(), own.vtep(port), other.vtep(port), way),
                remote(other.subnet6(), own.vtep(port), other.vtep(port), way)));
    if (!failures.isEmpty()) {
      throw new AssertionError(failures.toString());
    }
  }

  /**
   * Has a host reach the other's IPv4 containers as on one link: the router between them, which
   * passes what it gets on to the right host, stands for that.
   */
  void routeDirectly(Datapath datapath, Host own, Host other) throws Exception {
    Commands.run(
        "ip -n %s route replace %s via %s"
            .formatted(router(), other.subnet().prefix(), other.underlay()));
    Vtep local = own.vtep(datapath.port());
    Vtep remote = other.vtep(datapath.port());
    NextHop way = datapath.nextHop(remote.address()).orElseThrow();
    NextHop onLink =
        new NextHop(way.interfaceIndex(), way.source(), way.gateway(), way.mtuBytes(), true);
    List<Datapath.Failure> failures =
        in(
            own,
            () ->
                datapath.apply(
                    List.of(
                        new Change.PutRemote(
                            new RemoteSubnet(
                                other.subnet(), local, remote, Optional.of(onLink), true)))));
    if (!failures.isEmpty()) {
      throw new AssertionError(failures.toString());
    }
  }

  private static Change remote(Subnet subnet, Vtep own, Vtep other, Optional<NextHop> way) {
    return new Change.PutRemote(new RemoteSubnet(subnet, own, other, way, false));
  }

  /** Attaches one more container, in a namespace that is there, with one address of a family. */
  void attachContainer(Datapath datapath, Host own, String namespace, String... addresses)
      throws Exception {
    List<Attachment.Address> all =
        Stream.of(addresses)
            .map(InetAddress::ofLiteral)
            .map(address -> new Attachment.Address(address, own.gateway(IpFamily.of(address))))
            .toList();
    try (NetNamespace here = NetNamespace.named(libc, own.namespace())) {
      here.call(() -> attach(datapath, own, namespace, all));
    }
  }

  private static Attachment.Address first(Host own, String address) {
    return new Attachment.Address(InetAddress.ofLiteral(address), own.gateway());
  }

  private static Endpoint attach(
      Datapath datapath, Host own, String namespace, List<Attachment.Address> addresses) {
    int mtuBytes = datapath.overlayMtuBytes(InetAddress.ofLiteral(own.underlay()));
    return datapath.attach(
        new Attachment(
            VNI,
            new ContainerEnd(Path.of("/run/netns/" + namespace), new InterfaceName("eth0")),
            addresses,
            mtuBytes));
  }

  /**
   * Makes a host a tunnel end of the kernel's own VXLAN device, as flannel's vxlan backend does.
   */
  void startKernelVxlan(Host own, Host other, int port) {
    startKernelVxlan(own, other, port, underlay6 ? "udp6zerocsumrx" : "");
  }

  /**
   * The same.
   *
   * @param options more words for {@code ip link add type vxlan}
   */
  void startKernelVxlan(Host own, Host other, int port, String options) {
    own.run(
        "ip link add flannel.1 address %s type vxlan id 1 dev under0 local %s dstport %d nolearning %s"
            .formatted(own.mac(), own.underlay(), port, options)
            .strip());
    own.run("ip addr add " + own.overlay() + ".0/32 dev flannel.1");
    own.run("ip addr add " + own.overlay6() + "/128 dev flannel.1 nodad");
    own.run("ip link set flannel.1 up");
    own.run("bridge fdb add %s dev flannel.1 dst %s".formatted(other.mac(), other.underlay()));
    for (String network : List.of(other.overlay() + ".0/24", other.overlay6() + "/64")) {
      String first = network.substring(0, network.indexOf('/'));
      own.run(
          "ip neigh add %s lladdr %s dev flannel.1 nud permanent".formatted(first, other.mac()));
      own.run("ip route add %s via %s dev flannel.1 onlink".formatted(network, first));
    }
    // The container, as a CNI plugin would link it.
    own.run("ip link add cni0 type veth peer name eth0 netns " + own.container());
    own.run("ip addr add " + own.overlay() + ".1/24 dev cni0");
    own.run("ip addr add " + own.overlay6() + "1/64 dev cni0 nodad");
    own.run("ip link set cni0 up");
    Commands.in(own.container(), "ip addr add " + own.containerAddress() + "/24 dev eth0");
    Commands.in(own.container(), "ip addr add " + own.containerAddress6() + "/64 dev eth0 nodad");
    Commands.in(own.container(), "ip link set eth0 mtu " + (underlay6 ? 1430 : 1450) + " up");
    Commands.in(own.container(), "ip route add default via " + own.overlay() + ".1");
    Commands.in(own.container(), "ip route add default via " + own.overlay6() + "1");
  }

  @Override
  public void close() {
    namespaces.forEach(name -> Commands.tryRun("ip netns del " + name));
    for (Host host : List.of(host(1), host(2))) {
      if (Files.exists(host.pins())) {
        Pins.existing(host.pins()).removeAll(Tables.MAPS);
      }
    }
  }
}
