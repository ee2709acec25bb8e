// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.RefusedException;
import java.net.InetAddress;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Values refuse bad input when they are made, in a sentence that says what to write instead. */
class ValuesTest {
  @ParameterizedTest
  @ValueSource(strings = {"10.244.1.0/24", "0.0.0.0/0", "10.244.1.2/32", "fd44::/16"})
  void prefixesReadAndPrint(String text) {
    assertEquals(text, IpPrefix.parse(text).toString());
  }

  @ParameterizedTest
  @CsvSource({
    "10.244.1.0, write address/length",
    "10.244.1.0/, write address/length",
    "10.244.1.0/x, write address/length",
    "10.244.1.0/33, outside 0-32",
    "10.244.1.0/-1, outside 0-32",
    "fd44::/129, outside 0-128",
    "10.244.1.7/24, did you mean 10.244.1.0/24?",
    "example.org/24, is not an IP address",
    "10.244.1/24, is not an IP address"
  })
  void badPrefixesSayWhatIsWrong(String text, String expected) {
    var e = assertThrows(RefusedException.class, () -> IpPrefix.parse(text));
    assertTrue(e.getMessage().contains(expected), e.getMessage());
  }

  /** What inet_aton(3) would guess, names, and zones. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "", "1.2.3", "1.2", "16909060", "0x0a.1.1.1", "010.1.1.1", "1.2.3.4.5", "1.2.3.256",
        " 1.2.3.4", "1.2.3.4 ", "1.2.3.4\n", "fe80::1%eth0", "::1::", ":", "12345::", "localhost"
      })
  void onlyAddressesAreAddresses(String text) {
    assertThrows(RefusedException.class, () -> IpPrefix.parseAddress(text));
  }

  @Test
  void prefixesOfOneAddressAndOfAll() {
    assertEquals(IpPrefix.parse("10.244.1.2/32"), IpPrefix.of(InetAddress.ofLiteral("10.244.1.2")));
    assertEquals(IpPrefix.parse("fd44::2/128"), IpPrefix.of(InetAddress.ofLiteral("fd44::2")));
    assertEquals(IpPrefix.parse("0.0.0.0/0"), IpPrefix.everything(IpFamily.IPV4));
    assertEquals(IpPrefix.parse("::/0"), IpPrefix.everything(IpFamily.IPV6));
  }

  @Test
  void prefixesContainAndOverlapWithinTheirFamily() {
    IpPrefix subnet = IpPrefix.parse("10.244.1.0/24");
    assertTrue(subnet.contains(InetAddress.ofLiteral("10.244.1.255")));
    assertFalse(subnet.contains(InetAddress.ofLiteral("10.244.2.0")));
    assertFalse(subnet.contains(InetAddress.ofLiteral("fd44::1")));
    assertTrue(subnet.overlaps(IpPrefix.parse("10.244.0.0/16")));
    assertTrue(IpPrefix.parse("10.244.0.0/16").overlaps(subnet));
    assertFalse(subnet.overlaps(IpPrefix.parse("10.244.2.0/24")));
    assertFalse(subnet.overlaps(IpPrefix.parse("::/0")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "02:00:0a:11:02",
        "02-00-0a-11-02-02",
        "02:00:0a:11:02:0g",
        "00:00:00:00:00:00",
        "ff:ff:ff:ff:ff:ff",
        "01:00:5e:00:00:01",
        ""
      })
  void badMacsAreRefused(String text) {
    assertThrows(RefusedException.class, () -> MacAddress.parse(text));
  }

  @Test
  void macsReadAndPrint() {
    MacAddress mac = MacAddress.parse("02:00:0A:11:02:fE");
    assertEquals("02:00:0a:11:02:fe", mac.toString());
    assertEquals(mac, MacAddress.of(mac.toBytes()));
    assertThrows(IllegalArgumentException.class, () -> MacAddress.of(new byte[5]));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1, 0x100_0000})
  void badVnisAreRefused(int value) {
    var e = assertThrows(IllegalArgumentException.class, () -> new Vni(value));
    assertTrue(e.getMessage().contains("outside 1-16777215"), e.getMessage());
  }

  @ParameterizedTest
  @CsvSource({
    "10.244.1.0/24, 10.244.1.1",
    "fd00:10:244:1::/64, fd00:10:244:1::1",
    "10.244.1.2/32, 10.244.1.2"
  })
  void aSubnetsGatewayIsItsFirstAddress(String subnet, String expected) {
    assertEquals(InetAddress.ofLiteral(expected), Gateway.addressIn(IpPrefix.parse(subnet)));
  }

  @ParameterizedTest
  @CsvSource({
    "0.0.0.0, 4789, cannot be the underlay address",
    "127.0.0.1, 4789, cannot be the underlay address",
    "224.0.0.1, 4789, cannot be the underlay address",
    "::, 4789, cannot be the underlay address",
    "10.17.2.2, 0, outside 1-65535",
    "10.17.2.2, 65536, outside 1-65535"
  })
  void badVtepsAreRefused(String address, int port, String expected) {
    MacAddress mac = MacAddress.parse("02:00:0a:11:02:02");
    var e =
        assertThrows(
            IllegalArgumentException.class,
            () -> new Vtep(InetAddress.ofLiteral(address), port, mac));
    assertTrue(e.getMessage().contains(expected), e.getMessage());
  }
}
