// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.Attachment;
import dev.culvert.datapath.Change;
import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.Counter;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Gateway;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import dev.culvert.datapath.pin.Pins;
import dev.culvert.datapath.table.Tables;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.testing.BpfFolder;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Two hosts whose own links take 1500 bytes, and a link between two routers that may take less: no
 * host can know but by the routers' word.
 *
 * <pre>
 *   P-c1 ── P-h1 10.17.2.2 ── P-r1 10.19.2.1 ══ 10.19.2.2 P-r2 ── 10.18.2.2 P-h2 ── P-c2
 *           fd00:17::2             fd00:19::1   fd00:19::2           fd00:18::2
 * </pre>
 */
final class NarrowWay implements AutoCloseable {
  private static final Vni VNI = new Vni(1);
  private static final int PORT = 4789;

  private final Libc libc = Libc.system();
  private final String prefix;
  private final boolean underlay6;
  private final boolean inner6;
  private final List<String> names;

  /**
   * Makes the namespaces; the way is not narrow yet.
   *
   * @param prefix of their names, the test's own
   */
  NarrowWay(String prefix, boolean underlay6, boolean inner6) {
    this.prefix = prefix;
    this.underlay6 = underlay6;
    this.inner6 = inner6;
    this.names =
        List.of("h1", "h2", "r1", "r2", "c1", "c2").stream().map(n -> prefix + "-" + n).toList();
    BpfFolder.mount();
    close();
    names.forEach(name -> Commands.run("ip netns add " + name));
    names.forEach(name -> ip(name, "link set lo up"));
    names.subList(0, 4).forEach(Commands::forward);
    link(host(1), "under0", "17:2.2", router(1), "port0", "17:2.1");
    link(host(2), "under0", "18:2.2", router(2), "port0", "18:2.1");
    link(router(1), "middle", "19:2.1", router(2), "middle", "19:2.2");
    route(host(1), "17:2.1");
    route(host(2), "18:2.1");
    route(router(1), "19:2.2");
    route(router(2), "19:2.1");
  }

  String host(int number) {
    return prefix + "-h" + number;
  }

  String container(int number) {
    return prefix + "-c" + number;
  }

  private String router(int number) {
    return prefix + "-r" + number;
  }

  /** Of a container, in the inner family. */
  String address(int number) {
    return inner6 ? "fd00:244:" + number + "::2" : "10.244." + number + ".2";
  }

  /** "17:2.2" means 10.17.2.2 and fd00:17::2. */
  private static InetAddress underlay(String shorthand, boolean ipv6) {
    String[] parts = shorthand.split(":", -1);
    String last = parts[1].substring(2);
    return InetAddress.ofLiteral(
        ipv6 ? "fd00:" + parts[0] + "::" + last : "10." + parts[0] + "." + parts[1]);
  }

  private static void ip(String namespace, String command) {
    Commands.run("ip -n " + namespace + " " + command);
  }

  private static void link(
      String one, String name, String address, String other, String otherName, String gateway) {
    ip(one, "link add %s type veth peer name %s netns %s".formatted(name, otherName, other));
    end(one, name, address);
    end(other, otherName, gateway);
  }

  private static void end(String namespace, String name, String address) {
    ip(namespace, "addr add " + text(underlay(address, false)) + "/24 dev " + name);
    ip(namespace, "addr add " + text(underlay(address, true)) + "/64 dev " + name);
    ip(namespace, "link set " + name + " up");
  }

  private static void route(String namespace, String gateway) {
    ip(namespace, "route add default via " + text(underlay(gateway, false)));
    ip(namespace, "-6 route add default via " + text(underlay(gateway, true)));
  }

  private static String text(InetAddress address) {
    return address.getHostAddress();
  }

  /** How much the link between the routers takes. */
  void middleTakes(int mtuBytes) {
    ip(router(1), "link set middle mtu " + mtuBytes);
    ip(router(2), "link set middle mtu " + mtuBytes);
  }

  /** Has everybody forget what routers said, but for Culvert. */
  void forgetRoutes() {
    names.forEach(name -> {
      ip(name, "route flush cache");
      ip(name, "-6 route flush cache");
    });
  }

  /**
   * Makes both hosts tunnel ends, with a container each; whoever did that may die. Returns when the
   * way is open: a neighbour solicitation that comes too early is repeated after a second only.
   */
  void start(Duration pathMtuLifetime) throws Exception {
    start(1, pathMtuLifetime);
    start(2, pathMtuLifetime);
    Commands.in(container(1), "ping -c 1 -i 0.2 -w 10 " + address(2));
  }

  private void start(int own, Duration pathMtuLifetime) throws Exception {
    try (NetNamespace namespace = NetNamespace.named(libc, host(own))) {
      namespace.call(() -> {
        try (EbpfDatapath datapath = EbpfDatapath.open(libc, config(own, pathMtuLifetime))) {
          fill(datapath, own);
        }
        return null;
      });
    }
  }

  private EbpfConfig config(int own, Duration pathMtuLifetime) {
    return EbpfConfig.builder(pins(own), new InterfaceName("under0"))
        .port(PORT)
        .pathMtuLifetime(pathMtuLifetime)
        .build();
  }

  private Path pins(int number) {
    return Path.of("/sys/fs/bpf/culvert/" + host(number));
  }

  private void fill(EbpfDatapath datapath, int own) {
    Vtep remote = vtep(3 - own);
    IpPrefix network = IpPrefix.parse(inner6 ? "fd00:244::/32" : "10.244.0.0/16");
    InetAddress gateway = subnet(own).prefix().address();
    byte[] first = gateway.getAddress();
    first[first.length - 1] = 1;
    gateway = IpFamily.address(first);
    datapath.start(VNI, vtep(own), List.of(new Gateway(gateway, network)));
    List<Datapath.Failure> failures =
        datapath.apply(
            List.of(
                new Change.PutLocal(new LocalSubnet(subnet(own), 0)),
                new Change.PutRemote(
                    new RemoteSubnet(
                        subnet(3 - own),
                        vtep(own),
                        remote,
                        datapath.nextHop(remote.address()),
                        false))));
    if (!failures.isEmpty()) {
      throw new AssertionError(failures.toString());
    }
    datapath.attach(
        new Attachment(
            VNI,
            new ContainerEnd(Path.of("/run/netns/" + container(own)), new InterfaceName("eth0")),
            List.of(new Attachment.Address(InetAddress.ofLiteral(address(own)), gateway)),
            datapath.overlayMtuBytes(vtep(own).address())));
  }

  private Vtep vtep(int number) {
    return new Vtep(
        underlay((16 + number) + ":2.2", underlay6),
        PORT,
        MacAddress.parse("02:aa:00:00:00:0" + number));
  }

  private Subnet subnet(int number) {
    return new Subnet(
        VNI,
        IpPrefix.parse(inner6 ? "fd00:244:" + number + "::/64" : "10.244." + number + ".0/24"));
  }

  /** The way to the other host, as the kernel answers now. */
  Optional<NextHop> nextHop(int own) throws Exception {
    try (NetNamespace namespace = NetNamespace.named(libc, host(own))) {
      return namespace.call(() -> {
        try (EbpfDatapath datapath =
            EbpfDatapath.open(libc, config(own, EbpfConfig.PATH_MTU_LIFETIME))) {
          return datapath.nextHop(vtep(3 - own).address());
        }
      });
    }
  }

  /** What a host's tables and counters hold. */
  DatapathSnapshot inspect(int number) {
    return EbpfDatapath.inspect(libc, pins(number));
  }

  long count(int number, Verdict verdict) {
    return Optional.ofNullable(inspect(number).counters().get(verdict))
        .map(Counter::packets)
        .orElse(0L);
  }

  @Override
  public void close() {
    names.forEach(name -> Commands.tryRun("ip netns del " + name));
    for (int number : List.of(1, 2)) {
      if (Files.exists(pins(number))) {
        Pins.existing(pins(number)).removeAll(Tables.MAPS);
      }
    }
  }
}
