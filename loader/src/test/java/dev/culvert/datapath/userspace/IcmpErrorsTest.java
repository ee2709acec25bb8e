// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.packet.InternetChecksum;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class IcmpErrorsTest {
  /** scapy: IP(src="10.244.1.2", dst="10.244.2.2", flags="DF")/UDP(sport=1, dport=2)/b"hello". */
  private static final byte[] DATAGRAM =
      HexFormat.of().parseHex("4500002100014000401121e00af401020af4020200010002000da31368656c6c6f");

  @Test
  void fragmentationNeededQuotesThePacketAndTellsTheMtu() {
    InnerPacket packet = GoldenSegments.read(GoldenSegments.memory(DATAGRAM));
    PacketBuffer out = PacketBuffer.allocate(600);
    int bytes = IcmpErrors.write(out.bytes(), packet, new IcmpErrors.Told(3, 4, 1350));
    assertEquals(8 + DATAGRAM.length, bytes);
    byte[] message = new byte[bytes];
    out.bytes().get(0, message);
    // RFC 1191 section 4: type 3, code 4, unused 0, next-hop MTU
    assertArrayEquals(new byte[] {3, 4}, Arrays.copyOf(message, 2));
    assertArrayEquals(new byte[] {0, 0, 5, 0x46}, Arrays.copyOfRange(message, 4, 8));
    assertArrayEquals(DATAGRAM, Arrays.copyOfRange(message, 8, bytes));
    assertEquals(0xffff, InternetChecksum.fold(InternetChecksum.sum(out.bytes(), 0, bytes)));
  }

  @Test
  void aLongPacketIsQuotedInPart() {
    byte[] whole = GoldenSegments.named("udp over ipv4").whole();
    InnerPacket packet = GoldenSegments.read(GoldenSegments.memory(whole));
    // RFC 1812 section 4.3.2.3: 576 bytes with the IP header that the kernel adds.
    assertEquals(
        576 - 20,
        IcmpErrors.write(
            PacketBuffer.allocate(1300).bytes(), packet, new IcmpErrors.Told(3, 1, 0)));
  }

  @Test
  void nothingIsToldAboutErrorsLaterFragmentsAndPacketsToMany() {
    assertTrue(mayTell(DATAGRAM));
    assertFalse(mayTell(changed(9, InnerPacket.ICMP, 20, 3)), "an ICMP error");
    assertTrue(mayTell(changed(9, InnerPacket.ICMP, 20, 8)), "an echo request");
    assertFalse(mayTell(changed(6, 0x00, 7, 0x08)), "a later fragment");
    assertFalse(mayTell(changed(16, 224, 19, 1)), "multicast");
    byte[] anonymous = DATAGRAM.clone();
    Arrays.fill(anonymous, 12, 16, (byte) 0);
    assertFalse(mayTell(anonymous), "no source");
  }

  private static boolean mayTell(byte[] packet) {
    return IcmpErrors.mayTell(GoldenSegments.read(GoldenSegments.memory(packet)));
  }

  private static byte[] changed(int at, int value, int at2, int value2) {
    byte[] copy = DATAGRAM.clone();
    copy[at] = (byte) value;
    copy[at2] = (byte) value2;
    return copy;
  }
}
