// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is expected stands in RFC 5952, in the section that each group names. */
class IpAddressesTest {
  @ParameterizedTest
  @CsvSource({
    // 1: eight ways to write one address, by the RFC's list
    "2001:db8:0:0:1:0:0:1, 2001:db8::1:0:0:1",
    "2001:0db8:0:0:1:0:0:1, 2001:db8::1:0:0:1",
    "2001:db8::1:0:0:1, 2001:db8::1:0:0:1",
    "2001:db8::0:1:0:0:1, 2001:db8::1:0:0:1",
    "2001:0db8::1:0:0:1, 2001:db8::1:0:0:1",
    "2001:db8:0:0:1::1, 2001:db8::1:0:0:1",
    "2001:db8:0000:0:1::1, 2001:db8::1:0:0:1",
    "2001:DB8:0:0:1::1, 2001:db8::1:0:0:1",
    // 2.1 and 4.1: leading zeros go, a field of zeros is one
    "2001:db8:aaaa:bbbb:cccc:dddd:eeee:0001, 2001:db8:aaaa:bbbb:cccc:dddd:eeee:1",
    "2001:0db8::0001, 2001:db8::1",
    // 2.2 and 4.2.1: shortened as far as it goes
    "2001:db8:aaaa:bbbb:cccc:dddd::1, 2001:db8:aaaa:bbbb:cccc:dddd:0:1",
    "2001:db8:0:0:0:0:2:1, 2001:db8::2:1",
    "2001:db8::0:1, 2001:db8::1",
    // 4.2.2: not for one field
    "2001:db8::1:1:1:1:1, 2001:db8:0:1:1:1:1:1",
    // 4.2.3: the longest, and of two the first
    "2001:0:0:1:0:0:0:1, 2001:0:0:1::1",
    "2001:db8:0:0:1:0:0:1, 2001:db8::1:0:0:1",
    // 2.3 and 4.3: lower case
    "2001:db8:aaaa:bbbb:cccc:dddd:eeee:AAAA, 2001:db8:aaaa:bbbb:cccc:dddd:eeee:aaaa",
    // RFC 4291 section 2.2
    "FF01:0:0:0:0:0:0:101, ff01::101",
    "0:0:0:0:0:0:0:1, ::1",
    "0:0:0:0:0:0:0:0, ::",
    "2001:db8:0:0:0:0:0:0, 2001:db8::",
    // 5: other prefixes with IPv4 inside are not known to everybody
    "64:ff9b::192.0.2.1, 64:ff9b::c000:201",
    "::ffff:0:0:1, ::ffff:0:0:1",
    "::13.1.68.3, ::d01:4403",
    "10.244.1.2, 10.244.1.2"
  })
  void oneAddressHasOneText(String written, String expected) {
    assertEquals(expected, IpAddresses.text(InetAddress.ofLiteral(written)));
  }

  /** Section 5; Java takes such an address for IPv4 unless it is told the family. */
  @Test
  void anIpv4MappedAddressShowsTheIpv4Address() throws Exception {
    byte[] mapped = HexFormat.of().parseHex("00000000000000000000ffffc0000201");
    assertEquals("::ffff:192.0.2.1", IpAddresses.text(Inet6Address.getByAddress(null, mapped, -1)));
  }

  /** Section 6. */
  @ParameterizedTest
  @CsvSource({"2001:db8::1, 80, [2001:db8::1]:80", "10.17.2.2, 4789, 10.17.2.2:4789"})
  void aPortStandsBehindBrackets(String address, int port, String expected) {
    assertEquals(expected, IpAddresses.withPort(InetAddress.ofLiteral(address), port));
  }

  @Test
  void aZoneIsKept() throws Exception {
    byte[] bytes = InetAddress.ofLiteral("fe80::1").getAddress();
    assertEquals("fe80::1%7", IpAddresses.text(Inet6Address.getByAddress(null, bytes, 7)));
  }

  /**
   * Read by somebody else's parser, each text is the address again, and is the text of no other.
   */
  @ParameterizedTest
  @ValueSource(longs = {5952, 4291})
  void everyAddressReadsBack(long seed) throws Exception {
    Random random = new Random(seed);
    InetAddress before = InetAddress.ofLiteral("::");
    for (int i = 0; i < 20_000; i++) {
      byte[] bytes = new byte[16];
      for (int at = 0; at < bytes.length; at += 2) {
        int field = random.nextInt(3) == 0 ? random.nextInt(0x10000) : random.nextInt(2);
        bytes[at] = (byte) (field >> 8);
        bytes[at + 1] = (byte) field;
      }
      InetAddress address = Inet6Address.getByAddress(null, bytes, -1);
      String text = IpAddresses.text(address);
      assertEquals(address, InetAddress.ofLiteral(text), () -> "seed " + seed);
      if (!address.equals(before)) {
        assertNotEquals(IpAddresses.text(before), text);
      }
      before = address;
    }
  }
}
