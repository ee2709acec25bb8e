// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.packet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.util.HexFormat;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The expected bytes were made by scapy 2.5, with the expression above each. */
class HeaderTemplateTest {
  private static final MacAddress LOCAL_MAC = MacAddress.parse("02:00:0a:11:02:02");
  private static final MacAddress REMOTE_MAC = MacAddress.parse("02:00:0a:12:02:02");

  @Test
  void ipv4InIpv4() {
    // raw(Ether(dst="00:00:00:00:00:00", src="00:00:00:00:00:00", type=0x0800)
    //   / IP(src="10.17.2.2", dst="10.18.2.2", flags="DF", id=0, ttl=64, len=0, proto=17)
    //   / UDP(sport=0, dport=4789, len=0, chksum=0) / VXLAN(flags=8, vni=77)
    //   / Ether(dst="02:00:0a:12:02:02", src="02:00:0a:11:02:02", type=0x0800)).hex()
    String expected =
        "0000000000000000000000000800"
            + "4500000000004000401122c70a1102020a120202"
            + "000012b500000000"
            + "0800000000004d00"
            + "02000a12020202000a1102020800";
    RemoteSubnet to = to("10.17.2.2", "10.18.2.2", 4789, 77, IpFamily.IPV4);
    assertWrittenAndRead(expected, to);
  }

  @Test
  void ipv6InIpv4() {
    // As above with src="192.168.0.232", dst="192.168.0.50", dport=8472, vni=1, inner type=0x86dd
    String expected =
        "0000000000000000000000000800"
            + "45000000000040004011b882c0a800e8c0a80032"
            + "0000211800000000"
            + "0800000000000100"
            + "02000a12020202000a11020286dd";
    RemoteSubnet to = to("192.168.0.232", "192.168.0.50", 8472, 1, IpFamily.IPV6);
    assertWrittenAndRead(expected, to);
  }

  @Test
  void ipv6InIpv6() {
    // raw(Ether(dst="00:00:00:00:00:00", src="00:00:00:00:00:00", type=0x86dd)
    //   / IPv6(src="fd17::2", dst="fd18:2::2", plen=0, nh=17, hlim=64)
    //   / UDP(sport=0, dport=8472, len=0, chksum=0) / VXLAN(flags=8, vni=0xabcdef)
    //   / Ether(dst="02:00:0a:12:02:02", src="02:00:0a:11:02:02", type=0x86dd)).hex()
    String expected =
        "00000000000000000000000086dd"
            + "6000000000001140fd170000000000000000000000000002fd180002000000000000000000000002"
            + "0000211800000000"
            + "08000000abcdef00"
            + "02000a12020202000a11020286dd";
    RemoteSubnet to = to("fd17::2", "fd18:2::2", 8472, 0xabcdef, IpFamily.IPV6);
    assertWrittenAndRead(expected, to);
  }

  @Test
  void portsAboveHalfTheRangeStayPositive() {
    RemoteSubnet to = to("10.17.2.2", "10.18.2.2", 65535, Vni.MAX, IpFamily.IPV4);
    HeaderTemplate back = HeaderTemplate.of(bytes(to), IpFamily.IPV4);
    assertEquals(65535, back.remote().port());
    assertEquals(Vni.MAX, back.vni().value());
  }

  @Test
  void refusesVtepsOfTwoFamilies() {
    var e =
        assertThrows(
            IllegalArgumentException.class,
            () -> bytes(to("10.17.2.2", "fd18::2", 4789, 1, IpFamily.IPV4)));
    assertTrue(e.getMessage().contains("different IP families"), e.getMessage());
  }

  private static void assertWrittenAndRead(String expected, RemoteSubnet to) {
    assertEquals(expected, HexFormat.of().formatHex(bytes(to)));
    IpFamily outer = IpFamily.of(to.local().address());
    assertEquals(asRead(to), HeaderTemplate.of(bytes(to), outer));
  }

  private static byte[] bytes(RemoteSubnet to) {
    byte[] bytes = new byte[IpFamily.of(to.local().address()) == IpFamily.IPV4 ? 64 : 84];
    HeaderTemplate.write(to, MemorySegment.ofArray(bytes), 0);
    return bytes;
  }

  private static HeaderTemplate asRead(RemoteSubnet to) {
    return new HeaderTemplate(
        to.local().address(),
        to.remote(),
        to.local().mac(),
        to.subnet().vni(),
        to.subnet().prefix().family());
  }

  private static RemoteSubnet to(String source, String remote, int port, int vni, IpFamily inner) {
    return new RemoteSubnet(
        new Subnet(
            new Vni(vni), IpPrefix.parse(inner == IpFamily.IPV4 ? "10.244.2.0/24" : "fd44:2::/64")),
        new Vtep(InetAddress.ofLiteral(source), port, LOCAL_MAC),
        new Vtep(InetAddress.ofLiteral(remote), port, REMOTE_MAC),
        Optional.empty(),
        false);
  }
}
