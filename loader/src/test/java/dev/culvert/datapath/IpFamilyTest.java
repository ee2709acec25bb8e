// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class IpFamilyTest {
  private static InetAddress address(String text) {
    return InetAddress.ofLiteral(text);
  }

  @Test
  void numbersAreThoseOfTheStandards() {
    // RFC 791 sections 3.1 and 3.2; Ethernet types of RFC 894 and RFC 2464.
    assertEquals(List.of(4, 32, 20, 576, 0x0800), numbers(IpFamily.IPV4));
    // RFC 8200 sections 3 and 5.
    assertEquals(List.of(16, 128, 40, 1280, 0x86dd), numbers(IpFamily.IPV6));
  }

  private static List<Integer> numbers(IpFamily family) {
    return List.of(
        family.addressBytes(),
        family.addressBits(),
        family.headerBytes(),
        family.leastMtuBytes(),
        family.etherType());
  }

  @Test
  void overheadIsThatOfRfc7348() {
    // Outer IP 20 or 40, UDP 8, VXLAN 8, inner Ethernet 14.
    assertEquals(50, IpFamily.IPV4.overheadBytes());
    assertEquals(70, IpFamily.IPV6.overheadBytes());
  }

  @Test
  void familiesAreToldApart() {
    assertEquals(IpFamily.IPV4, IpFamily.of(address("10.244.1.2")));
    assertEquals(IpFamily.IPV6, IpFamily.of(address("fd44::2")));
    assertEquals(IpFamily.IPV6, IpFamily.IPV4.other());
    assertEquals(IpFamily.IPV4, IpFamily.IPV6.other());
    assertEquals(Optional.of(IpFamily.IPV4), IpFamily.ofEtherType(0x0800));
    assertEquals(Optional.of(IpFamily.IPV6), IpFamily.ofEtherType(0x86dd));
    assertEquals(Optional.empty(), IpFamily.ofEtherType(0x0806));
    assertEquals("IPv4 and IPv6", IpFamily.IPV4 + " and " + IpFamily.IPV6);
  }

  @ParameterizedTest
  @CsvSource({
    "IPV4, 0, 0.0.0.0",
    "IPV4, 20, 255.255.240.0",
    "IPV4, 32, 255.255.255.255",
    "IPV6, 0, ::",
    "IPV6, 61, ffff:ffff:ffff:fff8::",
    "IPV6, 128, ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
  })
  void masksHaveAsManyOnes(IpFamily family, int length, String expected) {
    assertEquals(address(expected), family.mask(length));
  }

  @Test
  void addressesComeFromTheirBytes() {
    assertEquals(address("10.17.2.2"), IpFamily.address(new byte[] {10, 17, 2, 2}));
    // RFC 4291 section 2.5.5.2
    assertEquals(
        address("10.17.2.2"),
        IpFamily.address(HexFormat.of().parseHex("00000000000000000000ffff0a110202")));
    assertEquals(
        address("fd17::2"),
        IpFamily.address(HexFormat.of().parseHex("fd170000000000000000000000000002")));
    var e = assertThrows(IllegalArgumentException.class, () -> IpFamily.address(new byte[5]));
    assertEquals("An IP address has 4 or 16 bytes, not 5.", e.getMessage());
  }

  @Test
  void oneOfEachFamilyComesInOrder() {
    InetAddress four = address("10.244.1.2");
    InetAddress six = address("fd44::2");
    assertEquals(List.of(four, six), IpFamily.sorted(List.of(six, four), Function.identity()));
    assertEquals(List.of(six), IpFamily.sorted(List.of(six), Function.identity()));
  }

  @Test
  void noneAndTwoOfOneFamilyAreRefused() {
    var none = assertThrows(IllegalArgumentException.class, () -> sorted());
    assertTrue(none.getMessage().contains("not []"), none.getMessage());
    var two =
        assertThrows(
            IllegalArgumentException.class, () -> sorted("10.244.1.2", "fd44::2", "10.244.1.3"));
    assertTrue(two.getMessage().contains("10.244.1.2, 10.244.1.3"), two.getMessage());
  }

  private static List<InetAddress> sorted(String... texts) {
    return IpFamily.sorted(
        List.of(texts).stream().map(InetAddress::ofLiteral).toList(), Function.identity());
  }
}
