// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Change;
import dev.culvert.datapath.Counter;
import dev.culvert.datapath.Decapsulation;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Traffic;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.Vtep;
import dev.culvert.datapath.ebpf.TwoHosts.Host;
import dev.culvert.datapath.trace.Explainer;
import dev.culvert.datapath.trace.Explanation;
import dev.culvert.datapath.trace.PacketHeaders;
import dev.culvert.datapath.trace.ProbePacket;
import dev.culvert.datapath.trace.ProbePacket.Protocol;
import dev.culvert.datapath.trace.TraceEvent;
import dev.culvert.datapath.trace.Tracer;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.testing.RequiresRoot;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Two hosts whose agents are dead: counters, traces and explanations of real traffic. */
@RequiresRoot
@Tag("netns")
class SeeingNetnsTest {
  private static final int PORT = 4789;

  private final Libc libc = Libc.system();
  private TwoHosts hosts;
  private Host one;
  private Host two;

  @BeforeEach
  void build() throws Exception {
    hosts = new TwoHosts("cv-see");
    one = hosts.host(1);
    two = hosts.host(2);
    hosts.startCulvert(one, two, PORT).close();
    hosts.startCulvert(two, one, PORT).close();
  }

  @AfterEach
  void tearDown() {
    hosts.close();
  }

  private Traffic vtep(Host at, Host other) {
    return EbpfDatapath.inspect(libc, at.pins())
        .traffic()
        .byVtep()
        .get(InetAddress.ofLiteral(other.underlay()));
  }

  private Traffic container(Host at) {
    Map<Endpoint, Traffic> traffic = EbpfDatapath.inspect(libc, at.pins()).traffic().byEndpoint();
    assertEquals(1, traffic.size());
    return traffic.values().iterator().next();
  }

  private static void ping(String namespace, String address) {
    Commands.in(namespace, "ping -c 3 -i 0.05 -W 2 " + address);
  }

  /** Three pings of 84 bytes in IP packets, with 14 of Ethernet. */
  private static final Counter PINGS = new Counter(3, 3 * 98);

  private static final Traffic BOTH_WAYS = new Traffic(PINGS, PINGS);

  /** What counts of VTEPs and containers were at one moment. */
  private record Counts(
      Traffic oneOfTwo, Traffic twoOfOne, Traffic container1, Traffic container2) {
    Counts since(Counts before) {
      return new Counts(
          minus(oneOfTwo, before.oneOfTwo),
          minus(twoOfOne, before.twoOfOne),
          minus(container1, before.container1),
          minus(container2, before.container2));
    }

    private static Traffic minus(Traffic a, Traffic b) {
      return new Traffic(minus(a.sent(), b.sent()), minus(a.received(), b.received()));
    }

    private static Counter minus(Counter a, Counter b) {
      return new Counter(a.packets() - b.packets(), a.bytes() - b.bytes());
    }
  }

  private Counts counts() {
    return new Counts(vtep(one, two), vtep(two, one), container(one), container(two));
  }

  @Test
  void bothSidesCountTheSameWithTcAndWithXdp() throws Exception {
    ping(one.container(), two.containerAddress()); // neighbours get to know each other
    for (Decapsulation where : Decapsulation.values()) {
      hosts.takeOver(two, PORT, where).close();
      Counts before = counts();
      ping(one.container(), two.containerAddress());
      assertEquals(
          new Counts(BOTH_WAYS, BOTH_WAYS, BOTH_WAYS, BOTH_WAYS),
          counts().since(before),
          where.toString());
    }
  }

  /** What culvert0 carries is counted at the VTEP once, and at the container that it is for. */
  @Test
  void theHostsOwnTrafficCountsForTheVtep() {
    ping(one.namespace(), two.containerAddress());
    Counts before = counts();
    ping(one.namespace(), two.containerAddress());
    assertEquals(new Counts(BOTH_WAYS, BOTH_WAYS, Traffic.NONE, BOTH_WAYS), counts().since(before));
  }

  @Test
  void dropsAreTracedAsTheyHappen() throws Exception {
    Tracer.Request drops = new Tracer.Request(true, false, 1);
    try (Tracer here = Tracer.open(libc, one.pins(), drops);
        Tracer there = Tracer.open(libc, two.pins(), drops)) {
      ping(one.container(), two.containerAddress());
      assertEquals(List.of(), events(here));

      // A forged source on host 1; an address that nobody has on host 2.
      Commands.in(one.container(), "ip addr add 10.244.1.77/32 dev eth0");
      assertEquals(1, pingOnce(one.container(), "-I 10.244.1.77 10.244.2.2"));
      TraceEvent forged = events(here).getFirst();
      assertEquals(Verdict.DROPPED_INNER_SOURCE, forged.verdict());
      assertEquals("from_container", forged.program());
      assertEquals(Optional.of(TwoHosts.VNI), forged.vni());
      PacketHeaders.Ip ip = forged.headers().ip().orElseThrow();
      assertEquals("10.244.1.77", ip.source().getHostAddress());
      assertEquals("10.244.2.2", ip.destination().getHostAddress());
      assertEquals("ICMP", ip.protocolName());
      assertEquals(98, forged.lengthBytes());
      assertEquals(hostEnd(one), forged.interfaceIndex());
      assertEquals(List.of(), events(there));

      // Host 2 takes host 1's packets for a forgery once another VTEP owns the subnet.
      moveSubnetToAnotherVtep();
      assertEquals(1, pingOnce(one.container(), "10.244.2.2"));
      TraceEvent refused = events(there).getFirst();
      assertEquals(Verdict.DROPPED_OUTER_SOURCE, refused.verdict());
      assertEquals("from_underlay", refused.program());
      PacketHeaders.Tunnel tunnel = refused.headers().tunnel().orElseThrow();
      assertEquals(one.underlay(), tunnel.outer().source().getHostAddress());
      assertEquals(two.underlay(), tunnel.outer().destination().getHostAddress());
      assertEquals("10.244.1.2", refused.headers().ip().orElseThrow().source().getHostAddress());
    }
  }

  private static int pingOnce(String namespace, String arguments) {
    return Commands.tryRun("ip netns exec " + namespace + " ping -c 1 -W 1 " + arguments).exit();
  }

  private static List<TraceEvent> events(Tracer tracer) {
    List<TraceEvent> events = new ArrayList<>();
    tracer.poll(Duration.ofMillis(100), events::add);
    return events;
  }

  private int hostEnd(Host host) {
    return EbpfDatapath.inspect(libc, host.pins()).state().endpoints().getFirst().interfaceIndex();
  }

  private void moveSubnetToAnotherVtep() throws Exception {
    try (EbpfDatapath datapath = hosts.takeOver(two, PORT, Decapsulation.TC)) {
      Vtep other =
          new Vtep(
              InetAddress.ofLiteral("10.17.2.99"), PORT, MacAddress.parse("02:aa:00:00:00:99"));
      assertEquals(
          List.of(),
          datapath.apply(
              List.of(
                  new Change.PutRemote(
                      new RemoteSubnet(
                          one.subnet(), two.vtep(PORT), other, Optional.empty(), false)))));
    }
  }

  @Test
  void explainSaysWhatThenHappens() throws Exception {
    Explanation out = explain(one, one.containerAddress(), two.containerAddress());
    assertEquals(Verdict.ENCAPSULATED, out.verdict());
    PacketHeaders.Tunnel tunnel = out.after().orElseThrow().tunnel().orElseThrow();
    assertEquals(one.underlay(), tunnel.outer().source().getHostAddress());
    assertEquals(two.underlay(), tunnel.outer().destination().getHostAddress());
    assertEquals(TwoHosts.VNI.value(), tunnel.vni());

    Explanation in = explain(two, one.containerAddress(), two.containerAddress());
    assertEquals(Verdict.DECAPSULATED, in.verdict());
    assertEquals(TwoHosts.UNDERLAY, in.interfaceName());

    Explanation fromHost = explain(one, "10.244.1.1", two.containerAddress());
    assertEquals("from_host", fromHost.program());
    assertEquals(Verdict.ENCAPSULATED, fromHost.verdict());

    assertEquals(Traffic.NONE, vtep(one, two), "nothing was sent or counted");
    assertTrue(
        EbpfDatapath.inspect(libc, two.pins()).traffic().byEndpoint().values().stream()
            .allMatch(Traffic.NONE::equals));
    ping(one.container(), two.containerAddress());
  }

  private Explanation explain(Host host, String source, String destination) throws Exception {
    ProbePacket packet =
        new ProbePacket(
            InetAddress.ofLiteral(source),
            InetAddress.ofLiteral(destination),
            Protocol.UDP,
            53,
            200);
    Explainer.Question question = new Explainer.Question(packet, Optional.empty());
    try (NetNamespace namespace = NetNamespace.named(libc, host.namespace())) {
      assertTrue(namespace.run(() -> EbpfDatapath.livesHere(libc, host.pins())));
      return namespace.call(() -> Explainer.explain(libc, host.pins(), question));
    }
  }
}
