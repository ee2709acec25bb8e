// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.output;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.trace.PacketHeaders;
import dev.culvert.datapath.trace.TraceEvent;
import java.net.InetAddress;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class TraceViewTest {
  private static final Instant NOON = Instant.parse("2030-01-01T12:00:00.000123Z");

  private static InetAddress address(String text) {
    return IpPrefix.parseAddress(text);
  }

  private static PacketHeaders.Ip ip(String source, String destination, int protocol, int port) {
    OptionalInt none = OptionalInt.empty();
    return new PacketHeaders.Ip(
        address(source),
        address(destination),
        protocol,
        port == 0 ? none : OptionalInt.of(40000),
        port == 0 ? none : OptionalInt.of(port),
        64,
        false);
  }

  private static TraceView view(
      Verdict verdict,
      String program,
      PacketHeaders headers,
      Optional<String> outerSource,
      Optional<String> vtep) {
    TraceEvent event =
        new TraceEvent(
            7,
            verdict,
            program,
            5,
            98,
            Optional.of(new Vni(1)),
            outerSource.map(TraceViewTest::address),
            headers);
    return new TraceView(event, NOON, "eth0", vtep.map(TraceViewTest::address));
  }

  private static String text(TraceView view) {
    return view.text(ZoneOffset.UTC);
  }

  @Test
  void aDropOfAContainersPacket() {
    PacketHeaders headers =
        new PacketHeaders(
            0x0800, Optional.empty(), Optional.of(ip("10.244.1.9", "10.244.2.4", 6, 80)));
    TraceView view =
        view(
            Verdict.DROPPED_INNER_SOURCE,
            "from_container",
            headers,
            Optional.empty(),
            Optional.empty());
    assertEquals(
        "12:00:00.000123  DROPPED_INNER_SOURCE   from_container on eth0  VNI 1"
            + "  10.244.1.9:40000 > 10.244.2.4:80 TCP, 98 bytes",
        text(view));
    assertEquals(
        Json.parse(
            """
            {"time": "2030-01-01T12:00:00.000123Z", "verdict": "DROPPED_INNER_SOURCE", "drop": true,
             "program": "from_container", "interface": "eth0", "interfaceIndex": 5,
             "lengthBytes": 98, "vni": 1,
             "inner": {"source": "10.244.1.9", "destination": "10.244.2.4", "protocol": "TCP",
                       "sourcePort": 40000, "destinationPort": 80, "hops": 64, "fragment": false},
             "outer": null, "from": null}
            """),
        Json.parse(Json.line(view.view())));
  }

  @Test
  void outerAddressesWhereTheyAre() {
    PacketHeaders.Ip outer = ip("fd00:17::2", "fd00:18::2", 17, 4789);
    PacketHeaders headers =
        new PacketHeaders(
            0x86dd,
            Optional.of(new PacketHeaders.Tunnel(outer, 1)),
            Optional.of(ip("10.244.1.2", "10.244.2.4", 1, 0)));
    assertEquals(
        "12:00:00.000123  ENCAPSULATED           from_container on eth0  VNI 1"
            + "  10.244.1.2 > 10.244.2.4 ICMP, 98 bytes,"
            + " in [fd00:17::2]:40000 > [fd00:18::2]:4789",
        text(
            view(
                Verdict.ENCAPSULATED,
                "from_container",
                headers,
                Optional.empty(),
                Optional.of("10.9.9.9"))));
  }

  @Test
  void theVtepWhereOuterAddressesAreGone() {
    PacketHeaders headers =
        new PacketHeaders(
            0x0800, Optional.empty(), Optional.of(ip("10.244.2.4", "10.244.1.2", 132, 9)));
    String packet = "VNI 1  10.244.2.4:40000 > 10.244.1.2:9 SCTP, 98 bytes";
    assertEquals(
        "12:00:00.000123  DECAPSULATED           from_underlay on eth0  "
            + packet
            + ", from 10.18.2.2",
        text(
            view(
                Verdict.DECAPSULATED,
                "from_underlay",
                headers,
                Optional.empty(),
                Optional.of("10.18.2.2"))));
    assertEquals(
        "12:00:00.000123  DROPPED_OUTER_SOURCE   from_tunnel on eth0  "
            + packet
            + ", from 10.99.0.1",
        text(
            view(
                Verdict.DROPPED_OUTER_SOURCE,
                "from_tunnel",
                headers,
                Optional.of("10.99.0.1"),
                Optional.empty())));
  }

  @Test
  void whatIsNoIp() {
    PacketHeaders arp = new PacketHeaders(0x0806, Optional.empty(), Optional.empty());
    PacketHeaders other = new PacketHeaders(0x88cc, Optional.empty(), Optional.empty());
    String start = "12:00:00.000123  DROPPED_MALFORMED      from_host on eth0  VNI 1  ";
    assertEquals(
        start + "ARP, 98 bytes",
        text(
            view(Verdict.DROPPED_MALFORMED, "from_host", arp, Optional.empty(), Optional.empty())));
    assertEquals(
        start + "no readable IP (EtherType 0x88cc), 98 bytes",
        text(
            view(
                Verdict.DROPPED_MALFORMED,
                "from_host",
                other,
                Optional.empty(),
                Optional.empty())));
  }
}
