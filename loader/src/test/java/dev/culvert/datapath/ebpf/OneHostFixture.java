// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.culvert.datapath.Attachment;
import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.Gateway;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.testing.BpfFolder;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * One host and its containers, each a namespace of its own:
 *
 * <pre>
 *   cv-dp-c1 eth0 10.244.1.2 ─┐
 *   cv-dp-c2 eth0 10.244.1.3 ─┤ cv-dp-host  under0 10.17.2.2 ── under1 10.17.2.1 cv-dp-router
 *                      culvert0 10.244.1.1
 * </pre>
 */
abstract class OneHostFixture {
  static final String HOST = "cv-dp-host";
  private static final String ROUTER = "cv-dp-router";
  static final String C1 = "cv-dp-c1";
  static final String C2 = "cv-dp-c2";
  private static final List<String> NAMESPACES = List.of(HOST, ROUTER, C1, C2);

  static final Path PINS = Path.of("/sys/fs/bpf/culvert/cv-dp-test");
  static final Vni VNI = new Vni(77);
  static final Vtep VTEP =
      new Vtep(address("10.17.2.2"), 4789, MacAddress.parse("02:00:0a:11:02:02"));
  static final Vtep REMOTE =
      new Vtep(address("10.18.2.2"), 4789, MacAddress.parse("02:00:0a:12:02:02"));
  static final InetAddress GATEWAY = address("10.244.1.1");
  static final IpPrefix NETWORK = IpPrefix.parse("10.244.0.0/16");
  static final Subnet LOCAL = new Subnet(VNI, IpPrefix.parse("10.244.1.0/24"));

  final Libc libc = Libc.system();

  /** Closed after the test. */
  final List<EbpfDatapath> open = new ArrayList<>();

  @BeforeEach
  void build() {
    BpfFolder.mount();
    tearDownNamespaces();
    NAMESPACES.forEach(name -> Commands.run("ip netns add " + name));
    // Else link-local routes appear a second or two later, between two pictures of the host.
    Commands.in(
        HOST, "sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0");
    Commands.run("ip -n " + HOST + " link add under0 type veth peer name under1 netns " + ROUTER);
    Commands.run("ip -n " + HOST + " link set lo up");
    Commands.run("ip -n " + HOST + " link set under0 up");
    Commands.run("ip -n " + ROUTER + " link set under1 up");
    Commands.run("ip -n " + HOST + " addr add 10.17.2.2/24 dev under0");
    Commands.run("ip -n " + ROUTER + " addr add 10.17.2.1/24 dev under1");
    Commands.run("ip -n " + HOST + " route add default via 10.17.2.1");
    Commands.in(HOST, "sysctl -qw net.ipv4.ip_forward=1");
  }

  @AfterEach
  void tearDown() throws Exception {
    try {
      if (Files.exists(PINS)) {
        EbpfDatapath last = open(config());
        inHost(() -> {
          last.remove();
          return null;
        });
      }
    } finally {
      open.forEach(EbpfDatapath::close);
      tearDownNamespaces();
    }
    assertFalse(Files.exists(PINS), "pins are left");
  }

  private static void tearDownNamespaces() {
    NAMESPACES.forEach(name -> Commands.tryRun("ip netns del " + name));
  }

  EbpfDatapath start() throws Exception {
    EbpfDatapath datapath = open(config());
    startWith(datapath, VTEP, GATEWAY, NETWORK);
    return datapath;
  }

  void startWith(EbpfDatapath datapath, Vtep vtep, InetAddress gateway, IpPrefix network)
      throws Exception {
    inHost(() -> {
      datapath.start(VNI, vtep, List.of(new Gateway(gateway, network)));
      return null;
    });
  }

  EbpfDatapath open(EbpfConfig config) throws Exception {
    EbpfDatapath datapath = inHost(() -> EbpfDatapath.open(libc, config));
    open.add(datapath);
    return datapath;
  }

  static EbpfConfig config() {
    return config("under0");
  }

  static EbpfConfig config(String underlay) {
    return EbpfConfig.builder(PINS, new InterfaceName(underlay)).build();
  }

  Endpoint attach(EbpfDatapath datapath, String namespace, String address) throws Exception {
    return inHost(() ->
        datapath.attach(
            new Attachment(
                VNI,
                new ContainerEnd(Path.of("/run/netns/" + namespace), new InterfaceName("eth0")),
                List.of(new Attachment.Address(address(address), GATEWAY)),
                1450)));
  }

  /** Interface indexes are looked up in the namespace of the calling thread. */
  <T> T inHost(Callable<T> work) throws Exception {
    try (NetNamespace host = NetNamespace.named(libc, HOST)) {
      return host.call(work);
    }
  }

  static List<InetAddress> addresses(EbpfDatapath datapath) {
    return datapath.read().endpoints().stream().map(Endpoint::address).toList();
  }

  static int indexOf(String device) {
    String line = Commands.run("ip -n " + HOST + " -o link show " + device);
    return Integer.parseInt(line.substring(0, line.indexOf(':')));
  }

  static void ping(String namespace, String address) {
    Commands.in(namespace, "ping -c 1 -W 2 " + address);
  }

  static InetAddress address(String text) {
    return InetAddress.ofLiteral(text);
  }
}
