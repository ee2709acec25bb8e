// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import dev.culvert.kernel.Libc;
import dev.culvert.kernel.NetNamespace;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;

/**
 * Two hosts in two networks, a container on each, and a router that knows nothing of the overlay.
 *
 * <pre>
 *   P-c1 10.244.1.2 ── P-h1 10.17.2.2 ── P-r ── 10.18.2.2 P-h2 ── 10.244.2.2 P-c2
 *                      10.244.1.1                            10.244.2.1
 * </pre>
 */
final class TwoHosts implements AutoCloseable {
  static final Vni VNI = new Vni(1);
  static final IpPrefix NETWORK = IpPrefix.parse("10.244.0.0/16");
  static final String UNDERLAY = "under0";

  private final Libc libc = Libc.system();
  private final String prefix;
  private final List<String> namespaces;

  /** One of the two, by number 1 or 2. */
  record Host(String prefix, int number) {
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
      return "10." + (16 + number) + ".2.2";
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

    Subnet subnet() {
      return new Subnet(VNI, IpPrefix.parse(overlay() + ".0/24"));
    }

    InetAddress gateway() {
      return InetAddress.ofLiteral(overlay() + ".1");
    }

    void run(String command) {
      Commands.in(namespace(), command);
    }
  }

  /**
   * Makes the namespaces.
   *
   * @param prefix of their names, the test's own
   */
  TwoHosts(String prefix) {
    this.prefix = prefix;
    this.namespaces =
        List.of(prefix + "-h1", prefix + "-h2", prefix + "-r", prefix + "-c1", prefix + "-c2");
    close();
    namespaces.forEach(name -> Commands.run("ip netns add " + name));
    Commands.in(router(), "sysctl -qw net.ipv4.ip_forward=1");
    List.of(host(1), host(2)).forEach(this::build);
  }

  private void build(Host host) {
    String ip = "ip -n " + host.namespace();
    String port = "port" + host.number();
    String gateway = "10." + (16 + host.number()) + ".2.1";
    Commands.run(ip + " link add under0 type veth peer name " + port + " netns " + router());
    Commands.run(ip + " addr add " + host.underlay() + "/24 dev under0");
    Commands.run(ip + " link set lo up");
    Commands.run(ip + " link set under0 up");
    Commands.run("ip -n " + router() + " addr add " + gateway + "/24 dev " + port);
    Commands.run("ip -n " + router() + " link set " + port + " up");
    Commands.run(ip + " route add default via " + gateway);
    host.run("sysctl -qw net.ipv4.ip_forward=1");
  }

  Host host(int number) {
    return new Host(prefix, number);
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
    UserspaceDatapath datapath =
        UserspaceDatapath.open(
            libc, new UserspaceDatapath.Config(own.namespace(), UNDERLAY, VNI, port, 49152, 65535));
    datapath.start(VNI, own.vtep(port), own.gateway(), NETWORK);
    return datapath;
  }

  private <T> T in(Host own, Callable<T> work) throws Exception {
    try (NetNamespace namespace = NetNamespace.named(libc, own.namespace())) {
      return namespace.call(work);
    }
  }

  private EbpfDatapath open(Host own, int port, Decapsulation decapsulation) {
    EbpfDatapath datapath =
        EbpfDatapath.open(
            libc,
            new EbpfDatapath.Config(
                own.pins(), UNDERLAY, port, 49152, 65535, false, decapsulation));
    datapath.start(VNI, own.vtep(port), own.gateway(), NETWORK);
    return datapath;
  }

  private static void fill(Datapath datapath, Host own, Host other, int port) {
    putSubnets(datapath, own, other, port);
    attach(datapath, own, own.container(), own.containerAddress());
  }

  private static void putSubnets(Datapath datapath, Host own, Host other, int port) {
    Optional<NextHop> way = datapath.nextHop(other.vtep(port).address());
    List<Datapath.Failure> failures =
        datapath.apply(
            List.of(
                new Change.PutLocal(new LocalSubnet(own.subnet(), 0)),
                new Change.PutRemote(
                    new RemoteSubnet(
                        other.subnet(), own.vtep(port), other.vtep(port), way, false))));
    if (!failures.isEmpty()) {
      throw new AssertionError(failures.toString());
    }
  }

  /** Attaches one more container, in a namespace that is there, to a host. */
  void attachContainer(EbpfDatapath datapath, Host own, String namespace, String address)
      throws Exception {
    try (NetNamespace here = NetNamespace.named(libc, own.namespace())) {
      here.call(() -> attach(datapath, own, namespace, address));
    }
  }

  private static Endpoint attach(Datapath datapath, Host own, String namespace, String address) {
    return datapath.attach(
        new Attachment(
            VNI,
            Path.of("/run/netns/" + namespace),
            "eth0",
            InetAddress.ofLiteral(address),
            own.gateway(),
            datapath.overlayMtuBytes()));
  }

  /**
   * Makes a host a tunnel end of the kernel's own VXLAN device, as flannel's vxlan backend does.
   */
  void startKernelVxlan(Host own, Host other, int port) {
    own.run(
        "ip link add flannel.1 address %s type vxlan id 1 dev under0 local %s dstport %d nolearning"
            .formatted(own.mac(), own.underlay(), port));
    own.run("ip addr add " + own.overlay() + ".0/32 dev flannel.1");
    own.run("ip link set flannel.1 up");
    own.run(
        "ip neigh add %s.0 lladdr %s dev flannel.1 nud permanent"
            .formatted(other.overlay(), other.mac()));
    own.run("bridge fdb add %s dev flannel.1 dst %s".formatted(other.mac(), other.underlay()));
    own.run(
        "ip route add %s.0/24 via %s.0 dev flannel.1 onlink"
            .formatted(other.overlay(), other.overlay()));
    // The container, as a CNI plugin would link it.
    own.run("ip link add cni0 type veth peer name eth0 netns " + own.container());
    own.run("ip addr add " + own.overlay() + ".1/24 dev cni0");
    own.run("ip link set cni0 up");
    Commands.in(own.container(), "ip addr add " + own.containerAddress() + "/24 dev eth0");
    Commands.in(own.container(), "ip link set eth0 mtu 1450 up");
    Commands.in(own.container(), "ip route add default via " + own.overlay() + ".1");
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
