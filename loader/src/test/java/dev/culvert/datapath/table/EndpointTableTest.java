// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import dev.culvert.kernel.RefusedException;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class EndpointTableTest {
  private static final Vni VNI = new Vni(77);

  private final MemoryMap endpoints4 = new MemoryMap("endpoints4", 8, 24, 2);
  private final MemoryMap endpoints6 = new MemoryMap("endpoints6", 20, 24, 2);
  private final MemoryMap interfaces = new MemoryMap("interfaces", 4, 60, 2);
  private final TrafficTable traffic = new TrafficTable(new MemoryMap("traffic", 4, 32, 100));
  private final EndpointTable table =
      new EndpointTable(endpoints4, endpoints6, interfaces, traffic);

  @Test
  void writesTheEntriesThatTheProgramsRead() {
    Endpoint endpoint = endpoint("10.244.1.2", 5);
    table.allowEndpoint(endpoint);
    table.put(endpoint);
    assertEquals(
        Map.of(
            "0000004d" + "0af40102",
            "05000000" + "01000000" + "01000000" + "0e0000000102" + "0e0000000101"),
        endpoints4.hex());
    assertEquals(
        Map.of(
            "05000000",
            "0000004d" // vni, big-endian
                + "01000000" // check the MAC
                + "01000000" // endpoint 1
                + "0af40102"
                + "ffffffff"
                + "0e0000000102"
                + "0000"
                + "00".repeat(32)),
        interfaces.hex());
  }

  @Test
  void readsBackBothFamiliesInOrder() {
    Endpoint a = endpoint("10.244.1.2", 5);
    Endpoint b = endpoint("fd44:1::2", 6);
    table.put(b);
    table.put(a);
    assertEquals(List.of(a, b), table.read());
    assertEquals(Optional.of(b), table.get(VNI, b.address()));
    assertTrue(table.remove(VNI, b.address()));
    assertFalse(table.remove(VNI, b.address()));
    assertEquals(Optional.empty(), table.get(VNI, b.address()));
    assertEquals(Optional.empty(), table.get(new Vni(1), a.address()));
  }

  @Test
  void aContainerOfBothFamiliesHasOneInterfaceEntryAndIsFoundByEitherAddress() {
    Endpoint both = endpoint(List.of("fd44:1::2", "10.244.1.2"), 5);
    assertEquals(InetAddress.ofLiteral("10.244.1.2"), both.address(), "IPv4 comes first");
    table.allowEndpoint(both);
    table.put(both);
    String value = "05000000" + "01000000" + "01000000" + "0e0000000102" + "0e0000000101";
    assertEquals(Map.of("0000004d" + "0af40102", value), endpoints4.hex());
    assertEquals(Map.of("0000004d" + "fd440001000000000000000000000002", value), endpoints6.hex());
    assertEquals(
        Map.of(
            "05000000",
            "0000004d"
                + "01000000"
                + "01000000"
                + "0af40102"
                + "ffffffff"
                + "0e0000000102"
                + "0000"
                + "fd440001000000000000000000000002"
                + "ff".repeat(16)),
        interfaces.hex());
    assertEquals(List.of(both), table.read());
    for (InetAddress address : both.addresses()) {
      assertEquals(Optional.of(both), table.get(VNI, address));
    }

    assertTrue(table.remove(VNI, InetAddress.ofLiteral("fd44:1::2")));
    assertEquals(Map.of(), endpoints4.hex());
    assertEquals(Map.of(), endpoints6.hex());
  }

  @Test
  void aContainerWhoseSecondAddressFindsNoRoomHasNone() {
    table.put(endpoint("fd44:1::3", 6));
    table.put(endpoint("fd44:1::4", 7));
    assertThrows(
        RefusedException.class, () -> table.put(endpoint(List.of("10.244.1.2", "fd44:1::2"), 5)));
    assertEquals(Map.of(), endpoints4.hex());
  }

  @Test
  void anAddressOnAnInterfaceThatWasGivenAwayIsNobodysSecond() {
    Endpoint old = endpoint(List.of("10.244.1.2", "fd44:1::2"), 5);
    table.allowEndpoint(old);
    table.put(old);
    Endpoint other =
        new Endpoint(
            VNI,
            InetAddress.ofLiteral("10.244.1.9"),
            MacAddress.parse("0e:00:00:00:09:02"),
            new Endpoint.HostEnd(5, MacAddress.parse("0e:00:00:00:09:01"), true));
    table.put(other);
    assertEquals(List.of(old, other), table.read());
    assertEquals(Optional.of(other), table.get(VNI, other.address()));
  }

  @Test
  void twoAddressesOfOneFamilyAreRefused() {
    assertThrows(
        IllegalArgumentException.class, () -> endpoint(List.of("10.244.1.2", "10.244.1.3"), 5));
    assertThrows(IllegalArgumentException.class, () -> endpoint(List.<String>of(), 5));
  }

  @Test
  void aBridgeMaySendFromItsWholeSubnetOfEachFamily() {
    table.allowBridge(9, new Subnet(VNI, IpPrefix.parse("10.244.1.0/24")));
    table.allowBridge(9, new Subnet(VNI, IpPrefix.parse("fd44:1::/60")));
    assertEquals(
        Map.of(
            "09000000",
            "0000004d"
                + "00000000"
                + "00000000"
                + "0af40100"
                + "ffffff00"
                + "0000000000000000"
                + "fd440001000000000000000000000000"
                + "fffffffffffffff00000000000000000"),
        interfaces.hex());
    assertEquals(List.of(9), table.interfaceIndexes());
  }

  @Test
  void anotherNetworkTakesAnInterfaceOverAltogether() {
    table.allowBridge(9, new Subnet(VNI, IpPrefix.parse("10.244.1.0/24")));
    table.allowBridge(9, new Subnet(new Vni(78), IpPrefix.parse("fd44:1::/64")));
    String value = interfaces.hex().get("09000000");
    assertEquals("0000004e" + "00".repeat(8) + "00".repeat(8), value.substring(0, 40));
  }

  @Test
  void aFullMapIsSaidInOneSentence() {
    table.put(endpoint("10.244.1.2", 5));
    table.put(endpoint("10.244.1.3", 6));
    var e = assertThrows(RefusedException.class, () -> table.put(endpoint("10.244.1.4", 7)));
    assertTrue(
        e.getMessage().startsWith("The map endpoints4 is full (2 entries), so there is no room"),
        e.getMessage());
    assertTrue(e.getMessage().contains("10.244.1.4"), e.getMessage());
  }

  private static Endpoint endpoint(String address, int index) {
    return endpoint(List.of(address), index);
  }

  private static Endpoint endpoint(List<String> addresses, int index) {
    return new Endpoint(
        VNI,
        addresses.stream().map(InetAddress::ofLiteral).toList(),
        MacAddress.parse("0e:00:00:00:01:02"),
        new Endpoint.HostEnd(index, MacAddress.parse("0e:00:00:00:01:01"), true));
  }
}
