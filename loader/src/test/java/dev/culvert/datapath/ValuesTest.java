// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.nio.file.Path;
import java.util.List;
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
    "10.244.1/24, has bits set"
  })
  void badPrefixesSayWhatIsWrong(String text, String expected) {
    var e = assertThrows(IllegalArgumentException.class, () -> IpPrefix.parse(text));
    assertTrue(e.getMessage().contains(expected), e.getMessage());
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
    assertThrows(IllegalArgumentException.class, () -> MacAddress.parse(text));
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

  @Test
  void badConfigurationsAreRefused() {
    Path pins = Path.of("/sys/fs/bpf/culvert/x");
    assertThrows(
        IllegalArgumentException.class,
        () -> new EbpfDatapath.Config(pins, "eth0", 70000, 49152, 65535));
    assertThrows(
        IllegalArgumentException.class,
        () -> new EbpfDatapath.Config(pins, "eth0", 4789, 65535, 49152));
  }

  @Test
  void identityReadsBackFromItsText() {
    for (Identity identity :
        List.of(
            identity("10.17.2.2", "10.244.1.1", "10.244.0.0/16"),
            identity("fd17::2", "fd44:1::1", "fd44::/16"))) {
      assertEquals(identity, Identity.parse(identity.toText()));
    }
    Identity one = identity("10.17.2.2", "fd44:1::1", "fd44::/16");
    Identity both =
        new Identity(
            one.vni(),
            one.vtep(),
            List.of(
                one.gateways().getFirst(),
                new Gateway(InetAddress.ofLiteral("10.244.1.1"), IpPrefix.parse("10.244.0.0/16"))),
            "eth0");
    assertEquals(
        "vni=77;address=10.17.2.2;port=8472;mac=02:00:0a:11:02:02;"
            + "gateway=10.244.1.1,fd44:1::1;network=10.244.0.0/16,fd44::/16;underlay=eth0",
        both.toText());
    assertEquals(both, Identity.parse(both.toText()));
    // As an agent of before has pinned it.
    assertEquals(
        both,
        Identity.parse(
            both.toText()
                .replace("fd44:1::1", "fd44:1:0:0:0:0:0:1")
                .replace("::/", ":0:0:0:0:0:0:0/")));
    assertThrows(IllegalArgumentException.class, () -> Identity.parse("vni=1"));
  }

  private static Identity identity(String address, String gateway, String network) {
    return new Identity(
        new Vni(77),
        new Vtep(InetAddress.ofLiteral(address), 8472, MacAddress.parse("02:00:0a:11:02:02")),
        List.of(new Gateway(InetAddress.ofLiteral(gateway), IpPrefix.parse(network))),
        "eth0");
  }

  @ParameterizedTest
  @CsvSource({
    "1, 10.244.1.2, cv0af401021",
    "16777215, 255.255.255.255, cvffffffff9zldr",
    "1, fd44::2, c65fbe919a493e"
  })
  void hostInterfaceNamesFitTheKernel(int vni, String address, String expected) {
    String name = ContainerInterface.hostName(new Vni(vni), InetAddress.ofLiteral(address));
    assertTrue(name.length() <= 15, name); // IFNAMSIZ less the closing zero
    assertTrue(name.startsWith(expected), name);
  }
}
