// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Attachment;
import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.ContainerLabel;
import dev.culvert.datapath.Decapsulation;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.ExistingInterface;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.ebpf.TwoHosts.Host;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.testing.RequiresRoot;
import java.io.BufferedReader;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Containers whose interfaces somebody else made: behind a bridge as Docker makes them, and with a
 * veth pair each as CNI's ptp plugin makes them.
 */
@RequiresRoot
@Tag("netns")
class ForeignInterfacesNetnsTest {
  private static final Optional<ContainerLabel> LABEL = Optional.of(new ContainerLabel("web/one"));
  private static final int PORT = 4789;
  private static final int STREAM_BYTES = 4_000_000;

  private TwoHosts hosts;
  private Host one;
  private Host two;
  private List<String> more;

  @BeforeEach
  void build() {
    hosts = new TwoHosts("cv-fi");
    one = hosts.host(1);
    two = hosts.host(2);
    more = List.of("cv-fi-d1", "cv-fi-d2");
    more.forEach(name -> Commands.tryRun("ip netns delete " + name));
    more.forEach(name -> Commands.run("ip netns add " + name));
  }

  @AfterEach
  void tearDown() {
    more.forEach(name -> Commands.tryRun("ip netns delete " + name));
    hosts.close();
  }

  /** As "docker network create --subnet 10.244.1.0/24" and two "docker run" would leave it. */
  private void makeDockerBridge() {
    one.run("ip link add docker0 type bridge");
    one.run("ip addr add 10.244.1.1/24 dev docker0");
    one.run("ip link set docker0 up");
    for (int i = 0; i < more.size(); i++) {
      String end = "veth" + i;
      one.run("ip link add " + end + " type veth peer name eth0 netns " + more.get(i));
      one.run("ip link set " + end + " master docker0 up");
      Commands.in(more.get(i), "ip link set lo up");
      Commands.in(more.get(i), "ip addr add 10.244.1.1" + i + "/24 dev eth0");
      Commands.in(more.get(i), "ip link set eth0 mtu 1450 up");
      Commands.in(more.get(i), "ip route add default via 10.244.1.1");
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"TC", "XDP"})
  void containersBehindABridgeReachOtherHosts(Decapsulation where) throws Exception {
    try (EbpfDatapath first = hosts.startCulvert(one, two, PORT);
        EbpfDatapath _ = hosts.startCulvert(two, one, PORT)) {
      hosts.takeOver(one, PORT, where).close();
      hosts.takeOver(two, PORT, where).close();
      makeDockerBridge();
      in(
          one,
          () -> {
            first.attachBridge(new InterfaceName("docker0"), List.of(one.subnet()));
            return null;
          });
      String here = more.getFirst();
      ping(here, "10.244.1.1"); // the bridge is the gateway
      ping(here, "10.244.1.11"); // the other port, by the bridge's own learning
      assertTrue(
          Commands.in(one.namespace(), "bridge fdb show br docker0").contains("master docker0"),
          "nothing was learned");
      ping(here, two.containerAddress());
      ping(two.container(), "10.244.1.10");
      ping(two.container(), "10.244.1.11");
      stream(here, two.container(), two.containerAddress());
      stream(two.container(), here, "10.244.1.10");
      ping(one.namespace(), "10.244.1.10"); // the host's own, over the bridge
      assertTrue(first.counters().get(Verdict.ENCAPSULATED).packets() > 0);
      assertTrue(first.counters().get(Verdict.DECAPSULATED).packets() > 0);
    }
  }

  /**
   * Docker gives its interfaces 1500 bytes whatever the overlay takes, and a router further on
   * takes less than this host's own link: both are told to the container, through the bridge.
   */
  @ParameterizedTest(name = "IPv6: {0}")
  @ValueSource(booleans = {false, true})
  void containersBehindABridgeHearWhatIsTooBig(boolean ipv6) throws Exception {
    Commands.run("ip -n " + hosts.router() + " link set port2 mtu 1400");
    two.run("ip link set under0 mtu 1400");
    try (EbpfDatapath first = hosts.startCulvert(one, two, PORT);
        EbpfDatapath _ = hosts.startCulvert(two, one, PORT)) {
      makeDockerBridge();
      String here = more.getFirst();
      one.run("ip addr add " + one.overlay6() + "1/64 dev docker0 nodad");
      Commands.in(here, "ip link set eth0 mtu 1500");
      Commands.in(two.container(), "ip link set eth0 mtu 1450"); // else its MSS would tell
      Commands.in(here, "ip addr add " + one.overlay6() + "10/64 dev eth0 nodad");
      Commands.in(here, "ip route add default via " + one.overlay6() + "1");
      in(
          one,
          () -> {
            first.attachBridge(new InterfaceName("docker0"), List.of(one.subnet(), one.subnet6()));
            return null;
          });
      String there = ipv6 ? two.containerAddress6() : two.containerAddress();
      ping(here, there);
      assertEquals(1450, learns(here, there, 1500), "from this host's own link");
      assertEquals(1350, learns(here, there, 1450), "from the router's word");
      assertTrue(first.counters().get(Verdict.DROPPED_TOO_BIG).packets() >= 2, "nobody was told");
      Commands.in(here, echo(there, 1350, 1));
      // Superpackets of segments that are too big are answered as well.
      Commands.in(here, "ip " + (ipv6 ? "-6 " : "") + "route flush cache");
      long told = first.counters().get(Verdict.DROPPED_TOO_BIG).packets();
      stream(here, two.container(), there);
      assertTrue(first.counters().get(Verdict.DROPPED_TOO_BIG).packets() > told, "TCP knew it");
    }
  }

  /** The size of the way, as a container's kernel knows it after packets of so many bytes. */
  private static int learns(String namespace, String address, int ipBytes) {
    Commands.tryRun("ip netns exec " + namespace + " " + echo(address, ipBytes, 4));
    String route = Commands.in(namespace, "ip route get " + address);
    Matcher mtu = Pattern.compile("mtu (\\d+)").matcher(route);
    return mtu.find() ? Integer.parseInt(mtu.group(1)) : 0;
  }

  private static String echo(String address, int ipBytes, int times) {
    int headers = (address.contains(":") ? 40 : 20) + 8;
    return "ping -c %d -i 0.2 -W 2 -M do -s %d %s".formatted(times, ipBytes - headers, address);
  }

  /**
   * As CNI's ptp plugin: the host's end has the gateway's address, and a route to the container.
   */
  private void makePair(String namespace, String address) {
    one.run("ip link add vethptp type veth peer name eth0 netns " + namespace);
    one.run("ip link set vethptp up");
    one.run("ip route add " + address + "/32 dev vethptp");
    Commands.in(namespace, "ip link set lo up");
    Commands.in(namespace, "ip addr add " + address + "/32 dev eth0");
    Commands.in(namespace, "ip link set eth0 mtu 1450 up");
    Commands.in(namespace, "ip route add 10.244.1.1 dev eth0");
    Commands.in(namespace, "ip route add default via 10.244.1.1 dev eth0");
  }

  private static String picture(String namespace) {
    return Commands.in(namespace, "ip -o link")
        + Commands.in(namespace, "ip -4 -o addr")
        + Commands.in(namespace, "ip -4 route");
  }

  @Test
  void aPairOfSomebodyElsesJoinsAndLeavesAsItWas() throws Exception {
    String guest = more.getFirst();
    try (EbpfDatapath first = hosts.startCulvert(one, two, PORT);
        EbpfDatapath _ = hosts.startCulvert(two, one, PORT)) {
      makePair(guest, "10.244.1.10");
      String before = picture(guest) + picture(one.namespace());
      Endpoint endpoint = in(one, () -> first.attachExisting(wish(guest)));
      assertEquals(InetAddress.ofLiteral("10.244.1.10"), endpoint.address());
      assertEquals(before, picture(guest) + picture(one.namespace()));
      assertTrue(first.read().endpoints().contains(endpoint), "with its label");
      assertTrue(
          in(one, () -> EbpfDatapath.inspect(Libc.system(), one.pins()))
              .state()
              .endpoints()
              .contains(endpoint),
          "for whom it is, also without an agent");

      ping(guest, two.containerAddress());
      ping(two.container(), "10.244.1.10");
      ping(guest, one.containerAddress()); // another container of this host
      ping(one.namespace(), "10.244.1.10");
      stream(guest, two.container(), two.containerAddress());
      stream(two.container(), guest, "10.244.1.10");

      refuses(first, guest, "10.244.1.10 is attached already: detach it first");
      // It may send from no other address.
      long spoofed = first.counters().get(Verdict.DROPPED_INNER_SOURCE).packets();
      Commands.in(guest, "ip addr add 10.244.1.99/32 dev eth0");
      Commands.tryRun(
          "ip netns exec " + guest + " ping -c 1 -W 1 -I 10.244.1.99 " + two.containerAddress());
      assertTrue(first.counters().get(Verdict.DROPPED_INNER_SOURCE).packets() > spoofed);
      Commands.in(guest, "ip addr del 10.244.1.99/32 dev eth0");

      first.detach(TwoHosts.VNI, endpoint.address());
      assertEquals(before, picture(guest) + picture(one.namespace()));
      assertFalse(
          EbpfDatapath.inspect(Libc.system(), one.pins()).attachments().stream()
              .anyMatch(a -> a.interfaceIndex().equals(Optional.of(endpoint.interfaceIndex()))),
          "a program is left on the pair");
      assertEquals(
          1,
          Commands.tryRun("ip netns exec " + two.container() + " ping -c 1 -W 1 10.244.1.10")
              .exit());
    }
  }

  @Test
  void refusesWhatCannotWork() throws Exception {
    String guest = more.getFirst();
    try (EbpfDatapath first = hosts.startCulvert(one, two, PORT)) {
      refuses(first, guest, "has no interface eth0, only lo");
      makePair(guest, "10.99.0.10");
      refuses(first, guest, "eth0 of /run/netns/cv-fi-d1 has 10.99.0.10, and needs exactly one");
      Commands.in(guest, "ip addr add 10.244.1.10/32 dev eth0");
      one.run("ip link add br7 type bridge");
      one.run("ip link set vethptp master br7");
      refuses(first, guest, "vethptp is in the bridge br7, which takes its packets");
      one.run("ip link set vethptp nomaster");
      Commands.in(guest, "ip addr add 10.244.1.1/32 dev eth0");
      Commands.in(guest, "ip addr del 10.244.1.10/32 dev eth0");
      refuses(first, guest, "10.244.1.1 is this host's own gateway address");
      assertEquals(1, first.read().endpoints().size());
    }
  }

  /** The host's own route to an address can lead to one container only. */
  @Test
  void refusesAnAddressThatAnotherNetworkHasOnThisHost() throws Exception {
    String guest = more.getFirst();
    Vni other = new Vni(2);
    String why = "10.244.1.2 is attached already in the network with VNI 1";
    try (EbpfDatapath first = hosts.startCulvert(one, two, PORT)) {
      String before = picture(one.namespace()) + picture(guest);
      Attachment.Address taken =
          new Attachment.Address(InetAddress.ofLiteral(one.containerAddress()), one.gateway());
      assertRefused(why, () -> first.attach(attachment(other, guest, taken)));
      assertEquals(before, picture(one.namespace()) + picture(guest));
      ping(one.namespace(), one.containerAddress());

      makePair(guest, "10.244.1.10");
      Commands.in(guest, "ip addr add 10.244.1.2/32 dev eth0");
      Commands.in(guest, "ip addr del 10.244.1.10/32 dev eth0");
      Subnet subnet = new Subnet(other, one.subnet().prefix());
      ExistingInterface wish =
          new ExistingInterface(
              new ContainerEnd(Path.of("/run/netns/" + guest), new InterfaceName("eth0")),
              List.of(subnet));
      assertRefused(why, () -> first.attachExisting(wish));

      // In its own network nobody else's address is in the way.
      Attachment.Address free =
          new Attachment.Address(InetAddress.ofLiteral("10.244.1.9"), one.gateway());
      Endpoint endpoint = in(one, () -> first.attach(attachment(other, more.getLast(), free)));
      assertEquals(List.of(TwoHosts.VNI, other), vnis(first));
      first.detach(other, endpoint.address());
      ping(one.namespace(), one.containerAddress());
    }
  }

  private static Attachment attachment(Vni vni, String namespace, Attachment.Address address) {
    return new Attachment(
        vni,
        new ContainerEnd(Path.of("/run/netns/" + namespace), new InterfaceName("eth0")),
        List.of(address),
        1450);
  }

  private static List<Vni> vnis(EbpfDatapath datapath) {
    return datapath.read().endpoints().stream().map(Endpoint::vni).toList();
  }

  private void assertRefused(String why, Callable<Endpoint> attach) {
    var refused = assertThrows(RefusedException.class, () -> in(one, attach));
    assertTrue(refused.getMessage().startsWith(why), refused.getMessage());
  }

  private void refuses(EbpfDatapath datapath, String namespace, String why) {
    RefusedException refused =
        assertThrows(
            RefusedException.class, () -> in(one, () -> datapath.attachExisting(wish(namespace))));
    assertTrue(refused.getMessage().contains(why), refused.getMessage());
  }

  private ExistingInterface wish(String namespace) {
    return new ExistingInterface(
        new ContainerEnd(Path.of("/run/netns/" + namespace), new InterfaceName("eth0"), LABEL),
        List.of(one.subnet()));
  }

  private static <T> T in(Host host, Callable<T> work) throws Exception {
    try (NetNamespace namespace = NetNamespace.named(Libc.system(), host.namespace())) {
      return namespace.call(work);
    }
  }

  private static void ping(String namespace, String address) {
    Commands.in(namespace, "ping -c 2 -i 0.1 -W 2 " + address);
  }

  /** A TCP stream arrives whole. */
  private static void stream(String from, String to, String address) throws Exception {
    String script =
        Path.of(ForeignInterfacesNetnsTest.class.getResource("tcp.py").toURI()).toString();
    Process receiver =
        new ProcessBuilder("ip", "netns", "exec", to, "python3", script, "receive", address)
            .redirectErrorStream(true)
            .start();
    try (BufferedReader said = receiver.inputReader()) {
      assertEquals("ready", said.readLine());
      String sent =
          Commands.in(from, "python3 " + script + " send " + address + " " + STREAM_BYTES).strip();
      assertEquals(sent, said.readLine());
    } finally {
      receiver.destroy();
    }
  }
}
