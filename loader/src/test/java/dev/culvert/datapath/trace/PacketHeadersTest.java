// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.trace;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.ebpf.GoldenPacket;
import dev.culvert.datapath.trace.ProbePacket.Protocol;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Headers read and written; the packets are scapy's. */
class PacketHeadersTest {
  private static final int PORT = 4789;

  private static String text(PacketHeaders.Ip ip) {
    return "%s:%s > %s:%s %s, %d hops%s"
        .formatted(
            ip.source().getHostAddress(),
            ip.sourcePort().isPresent() ? ip.sourcePort().getAsInt() : "-",
            ip.destination().getHostAddress(),
            ip.destinationPort().isPresent() ? ip.destinationPort().getAsInt() : "-",
            ip.protocolName(),
            ip.hops(),
            ip.fragment() ? ", fragment" : "");
  }

  private static PacketHeaders golden(String name, boolean after) {
    GoldenPacket golden = GoldenPacket.named(name);
    return PacketHeaders.of(after ? golden.out().orElseThrow() : golden.in(), PORT);
  }

  @Test
  void readsWhatAContainerSends() {
    PacketHeaders udp = golden("UDP to a container on another host is wrapped", false);
    assertEquals(Optional.empty(), udp.tunnel());
    assertEquals("10.244.1.2:1111 > 10.244.2.4:2222 UDP, 64 hops", text(udp.ip().orElseThrow()));
    PacketHeaders icmp = golden("ICMP echo", false);
    assertEquals("10.244.1.2:- > 10.244.2.4:- ICMP, 255 hops", text(icmp.ip().orElseThrow()));
    // Behind the first fragment there are no ports, whatever stands where they would be.
    PacketHeaders fragment = golden("An inner fragment", false);
    assertEquals(
        "10.244.1.2:- > 10.244.2.4:- UDP, 64 hops, fragment", text(fragment.ip().orElseThrow()));
    PacketHeaders arp = golden("ARP: the stack answers", false);
    assertEquals(0x0806, arp.etherType());
    assertEquals(Optional.empty(), arp.ip());
  }

  @Test
  void readsBothEndsOfATunnel() {
    PacketHeaders ipv4 = golden("TCP with options, DF and ECN", true);
    PacketHeaders.Tunnel tunnel = ipv4.tunnel().orElseThrow();
    assertEquals(1, tunnel.vni());
    assertEquals("10.17.2.2:0 > 10.18.2.2:4789 UDP, 64 hops", text(tunnel.outer()));
    assertEquals("10.244.1.2:1 > 10.244.2.4:2 TCP, 63 hops", text(ipv4.ip().orElseThrow()));

    PacketHeaders ipv6 = golden("IPv6 inside IPv6", true);
    assertEquals(
        "fd00:17:0:0:0:0:0:2:0 > fd00:18:0:0:0:0:0:2:4789 UDP, 64 hops",
        text(ipv6.tunnel().orElseThrow().outer()));
    assertEquals(
        "fd00:244:1:0:0:0:0:2:1 > fd00:244:6:0:0:0:0:4:2 UDP, 63 hops",
        text(ipv6.ip().orElseThrow()));
  }

  @Test
  void anotherPortIsNoTunnel() {
    byte[] packet = GoldenPacket.named("IPv6 inside IPv4").out().orElseThrow();
    assertEquals(Optional.empty(), PacketHeaders.of(packet, 8472).tunnel());
  }

  @Test
  void whereverTheBytesEndSoDoesWhatIsTold() {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("PacketHeadersTest: -Dseed=" + seed);
    Random random = new Random(seed);
    for (GoldenPacket golden : GoldenPacket.all()) {
      byte[] whole = golden.in();
      for (int length = 0; length <= Math.min(whole.length, 144); length++) {
        byte[] cut = Arrays.copyOf(whole, length);
        PacketHeaders headers = PacketHeaders.of(cut, PORT);
        assertEquals(length < 14, headers.etherType() == 0, golden.name());
        if (length < 34) {
          assertEquals(Optional.empty(), headers.ip());
        }
        for (int i = 0; length > 0 && i < 4; i++) {
          cut[random.nextInt(length)] = (byte) random.nextInt();
          PacketHeaders.of(cut, PORT).ip().ifPresent(ip -> assertEquals(ip, ip));
        }
      }
    }
  }

  @Test
  void portsThatAreCutOffAreNotInvented() {
    byte[] packet = GoldenPacket.named("UDP to a container on another host is wrapped").in();
    PacketHeaders.Ip ip = PacketHeaders.of(Arrays.copyOf(packet, 36), PORT).ip().orElseThrow();
    assertEquals(OptionalInt.of(1111), ip.sourcePort());
    assertEquals(OptionalInt.empty(), ip.destinationPort());
  }

  /** scapy: Ether()/IP(flags="DF", id=0)/UDP(sport=40000, dport=53)/zeros, and so on. */
  @ParameterizedTest
  @CsvSource({
    "UDP, 53, 41, 08004500002900004000401121d70af401020af402049c40003500154a6100000000000000000000000000",
    "TCP, 443, 44, 08004500002c00004000400621df0af401020af402049c4001bb00000000000000005002fffff8f5000000000000",
    "ICMP, 80, 32, 08004500002000004000400121f00af401020af402040800f7ff0000000000000000",
  })
  void probesAreWhatScapyMakesOfThem(Protocol protocol, int port, int sizeBytes, String expected) {
    assertEquals(expected, frame("10.244.1.2", "10.244.2.4", protocol, port, sizeBytes));
  }

  private static final String ZEROS13 = "00000000000000000000000000";

  @Test
  void ipv6ProbesAreWhatScapyMakesOfThem() {
    String addresses = "fd000244000100000000000000000002" + "fd000244000200000000000000000004";
    assertEquals(
        "86dd" + "60000000" + "00151140" + addresses + "9c400035001564bc" + ZEROS13,
        frame("fd00:244:1::2", "fd00:244:2::4", Protocol.UDP, 53, 61));
    assertEquals(
        "86dd" + "60000000" + "000c3a40" + addresses + "8000812600000000" + "00000000",
        frame("fd00:244:1::2", "fd00:244:2::4", Protocol.ICMP, 80, 52));
  }

  private static String frame(
      String source, String destination, Protocol protocol, int port, int size) {
    byte[] frame =
        new ProbePacket(
                IpPrefix.parseAddress(source),
                IpPrefix.parseAddress(destination),
                protocol,
                port,
                size)
            .frame(MacAddress.parse("02:00:00:00:01:02"), MacAddress.parse("02:ff:00:00:01:02"));
    String hex = HexFormat.of().formatHex(frame);
    assertEquals("02ff00000102" + "020000000102", hex.substring(0, 24));
    return hex.substring(24);
  }
}
