// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.trace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Counter;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.TrafficCounters;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.ebpf.PinnedWorld;
import dev.culvert.datapath.trace.ProbePacket.Protocol;
import dev.culvert.kernel.RefusedException;
import dev.culvert.testing.RequiresRoot;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Questions to the real programs; see {@code PacketWorld} for who is where. */
@Tag("kernel")
@RequiresRoot
class ExplainerKernelTest {
  private PinnedWorld world;
  private Map<Verdict, Counter> counters;
  private TrafficCounters traffic;

  @BeforeEach
  void load() throws Exception {
    world = PinnedWorld.load();
    counters = world.counters();
    traffic = world.traffic();
  }

  @AfterEach
  void nothingIsCountedAndNobodyTraces() throws Exception {
    try {
      assertEquals(counters, world.counters());
      assertEquals(traffic, world.traffic());
      assertEquals(0, world.wanted());
      assertEquals(0, world.rings());
    } finally {
      world.close();
    }
  }

  private Explanation explain(String source, String destination) throws Exception {
    return explain(source, destination, 100, Optional.empty());
  }

  private Explanation explain(
      String source, String destination, int sizeBytes, Optional<String> sender) throws Exception {
    ProbePacket packet =
        new ProbePacket(
            IpPrefix.parseAddress(source),
            IpPrefix.parseAddress(destination),
            Protocol.TCP,
            443,
            sizeBytes);
    return world.explain(new Explainer.Question(packet, sender.map(IpPrefix::parseAddress)));
  }

  private static String outer(Explanation explanation) {
    PacketHeaders.Tunnel tunnel = explanation.after().orElseThrow().tunnel().orElseThrow();
    return "%s -> %s UDP %d, VNI %d"
        .formatted(
            tunnel.outer().source().getHostAddress(),
            tunnel.outer().destination().getHostAddress(),
            tunnel.outer().destinationPort().orElseThrow(),
            tunnel.vni());
  }

  @Test
  void toAnotherHost() throws Exception {
    Explanation explanation = explain("10.244.1.2", "10.244.2.4");
    assertEquals("from_container", explanation.program());
    assertEquals("under0", explanation.interfaceName());
    assertEquals(Verdict.ENCAPSULATED, explanation.verdict());
    assertEquals("10.17.2.2 -> 10.18.2.2 UDP 4789, VNI 1", outer(explanation));
    Whereabouts.Remote there =
        assertInstanceOf(Whereabouts.Remote.class, explanation.destination());
    assertEquals("10.17.2.1", there.subnet().nextHop().orElseThrow().gateway().getHostAddress());
    assertInstanceOf(Whereabouts.Container.class, explanation.source());
    // Outer Ethernet header, a placeholder; IPv4 of 100 + 50 bytes with "don't fragment", TTL 64.
    String header = HexFormat.of().formatHex(explanation.headerBytes());
    assertEquals(2 * 64, header.length());
    assertTrue(header.startsWith("000000000000000000000000" + "0800" + "4500" + "0096"), header);
    assertEquals("00004000" + "4011", header.substring(36, 48));
    // UDP length 130, no checksum; the VNI flag and VNI 1 (RFC 7348 section 5).
    assertTrue(header.contains("12b5" + "0082" + "0000" + "08000000" + "00000100"), header);
    // And inside, the packet that the container sent, one hop on.
    PacketHeaders.Ip inner = explanation.after().orElseThrow().ip().orElseThrow();
    assertEquals(63, inner.hops());
    assertEquals(443, inner.destinationPort().orElseThrow());
  }

  @Test
  void toAnotherHostOverIpv6AndWithIpv6() throws Exception {
    Explanation explanation = explain("fd00:244:1::2", "fd00:244:6::4");
    assertEquals(Verdict.ENCAPSULATED, explanation.verdict());
    assertEquals(84, explanation.headerBytes().length);
    assertEquals("fd00:17:0:0:0:0:0:2 -> fd00:18:0:0:0:0:0:2 UDP 4789, VNI 1", outer(explanation));
  }

  @Test
  void toAContainerOfThisHost() throws Exception {
    Explanation explanation = explain("10.244.1.2", "10.244.1.3");
    assertEquals(Verdict.DELIVERED_LOCALLY, explanation.verdict());
    // The container's MAC, the host's end's, IPv4.
    assertEquals(
        "020000000103" + "02ff00000103" + "0800",
        HexFormat.of().formatHex(explanation.headerBytes()));
  }

  @Test
  void toAHostOnTheSameLinkAndBack() throws Exception {
    Explanation out = explain("10.244.1.2", "10.244.3.4");
    assertEquals(Verdict.ROUTED_DIRECTLY, out.verdict());
    assertEquals(Optional.empty(), out.after().orElseThrow().tunnel());
    Explanation in = explain("10.244.3.4", "10.244.1.3");
    assertEquals("from_underlay", in.program());
    assertEquals(Optional.empty(), in.before().tunnel());
    assertEquals(Verdict.RECEIVED_DIRECTLY, in.verdict());
  }

  @Test
  void fromAnotherHost() throws Exception {
    Explanation explanation = explain("10.244.2.4", "10.244.1.3");
    assertEquals("from_underlay", explanation.program());
    assertEquals(
        "10.18.2.2", explanation.before().tunnel().orElseThrow().outer().source().getHostAddress());
    assertEquals(Verdict.DECAPSULATED, explanation.verdict());
    assertEquals(Optional.empty(), explanation.after().orElseThrow().tunnel());
    assertEquals(Verdict.DECAPSULATED, explain("fd00:244:6::4", "fd00:244:1::3").verdict());
  }

  @Test
  void toNobody() throws Exception {
    assertEquals(Verdict.DROPPED_UNREACHABLE, explain("10.244.1.2", "10.244.4.4").verdict());
    assertEquals(Verdict.PASSED, explain("10.244.1.2", "192.0.2.1").verdict());
    assertEquals(Optional.empty(), explain("10.244.1.2", "10.244.4.4").after());
    Explanation notOurs = explain("10.244.2.4", "10.244.3.4");
    assertEquals(Verdict.DROPPED_NOT_LOCAL, notOurs.verdict());
    assertInstanceOf(Whereabouts.Remote.class, notOurs.destination());
  }

  @Test
  void tooLarge() throws Exception {
    Explanation whole = explain("10.244.1.2", "10.244.2.4", 1450, Optional.empty());
    assertEquals(Verdict.ENCAPSULATED, whole.verdict());
    Explanation tooLarge = explain("10.244.1.2", "10.244.2.4", 1451, Optional.empty());
    assertEquals(Verdict.DROPPED_TOO_BIG, tooLarge.verdict());
  }

  @Test
  void forgedByAContainer() throws Exception {
    Explanation explanation = explain("10.244.1.9", "10.244.2.4", 100, Optional.of("10.244.1.2"));
    assertEquals("from_container", explanation.program());
    assertEquals(Verdict.DROPPED_INNER_SOURCE, explanation.verdict());
    assertInstanceOf(Whereabouts.OwnSubnet.class, explanation.source());
  }

  @Test
  void forgedByAnotherVtep() throws Exception {
    Explanation explanation = explain("10.244.2.4", "10.244.1.3", 100, Optional.of("10.17.2.3"));
    assertEquals("from_underlay", explanation.program());
    assertEquals(Verdict.DROPPED_OUTER_SOURCE, explanation.verdict());
  }

  @Test
  void fromAnAddressThatNobodyHas() throws Exception {
    RefusedException e =
        assertThrows(RefusedException.class, () -> explain("10.244.9.9", "10.244.1.3"));
    assertTrue(e.getMessage().startsWith("Nobody sends from 10.244.9.9 here: "), e.getMessage());
  }
}
