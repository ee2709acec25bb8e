// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.control.SubnetAllocator.Choice;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Vni;
import dev.culvert.kernel.RefusedException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class AllocatorTest {
  private static SubnetAllocator.Request request(
      String network, int length, String wanted, String previous) {
    return new SubnetAllocator.Request(
        new HostName("me"),
        new Vni(1),
        IpPrefix.parse(network),
        length,
        Optional.ofNullable(wanted).map(IpPrefix::parse),
        Optional.ofNullable(previous).map(IpPrefix::parse),
        Reservations.NONE);
  }

  private static List<Lease> others(String... prefixes) {
    return Arrays.stream(prefixes).map(prefix -> Fixtures.lease(prefix, "other")).toList();
  }

  private static String free(SubnetAllocator.Request request, List<Lease> leases) {
    return switch (SubnetAllocator.choose(request, leases)) {
      case Choice.Free(IpPrefix prefix, List<IpPrefix> _) -> prefix.toString();
      case Choice.Held(Lease lease) -> "held " + lease.subnet().prefix();
    };
  }

  @Test
  void theFirstHostGetsTheSecondSubnetAndTheNextTheLowestFree() {
    var any = request("10.244.0.0/16", 24, null, null);
    assertEquals("10.244.1.0/24", free(any, others()));
    assertEquals(
        "10.244.3.0/24", free(any, others("10.244.4.0/24", "10.244.1.0/24", "10.244.2.0/24")));
  }

  @Test
  void leasesOfOtherLengthAndOtherNetworksAreHeeded() {
    var any = request("10.244.0.0/16", 24, null, null);
    assertEquals("10.244.16.0/24", free(any, others("10.244.0.0/20")));
    assertEquals(
        "10.244.2.0/24", free(any, others("10.244.1.77/32", "192.168.0.0/16", "fd00::/48")));
    assertEquals(
        "10.244.4.0/24", free(any, others("10.244.0.0/22", "10.244.1.0/24", "10.244.1.128/25")));
    assertEquals(
        "10.244.1.0/24",
        free(any, List.of(Fixtures.lease("10.244.1.0/24", "other", 2, "10.18.2.2", 1))));
  }

  @Test
  void whatTheHostHoldsGoesBeforeAllElse() {
    List<Lease> leases =
        List.of(Fixtures.lease("10.244.9.0/24", "me"), Fixtures.lease("10.244.1.0/24", "other"));
    assertEquals(
        "held 10.244.9.0/24",
        free(request("10.244.0.0/16", 24, "10.244.5.0/24", "10.244.6.0/24"), leases));
    assertEquals(
        "10.99.1.0/24", free(request("10.99.0.0/16", 24, null, null), leases), "outside network");
  }

  @Test
  void theWantedThenThePreviousSubnet() {
    assertEquals(
        "10.244.0.0/24",
        free(request("10.244.0.0/16", 24, "10.244.0.0/24", "10.244.6.0/24"), others()));
    assertEquals(
        "10.244.6.0/24", free(request("10.244.0.0/16", 24, null, "10.244.6.0/24"), others()));
    assertEquals(
        "10.244.1.0/24",
        free(request("10.244.0.0/16", 24, null, "10.244.6.0/24"), others("10.244.6.0/25")));
  }

  @Test
  void aTakenWantedSubnetIsAClearWord() {
    var e =
        assertThrows(
            RefusedException.class,
            () ->
                SubnetAllocator.choose(
                    request("10.244.0.0/16", 24, "10.244.5.0/24", null), others("10.244.5.0/24")));
    assertEquals(
        "The wanted subnet 10.244.5.0/24 is taken: other holds 10.244.5.0/24 (VNI 1); ask for"
            + " another subnet, or for none.",
        e.getMessage());
  }

  @Test
  void anExhaustedNetworkIsAClearWord() {
    var e =
        assertThrows(
            RefusedException.class,
            () ->
                SubnetAllocator.choose(
                    request("10.244.0.0/22", 24, null, null),
                    others("10.244.1.0/24", "10.244.2.0/24", "10.244.3.0/24")));
    assertEquals(
        "The network 10.244.0.0/22 has no free subnet of length /24 for me: 3 leases fill it;"
            + " release those of hosts that are gone, or choose a larger network.",
        e.getMessage());
  }

  @Test
  void theOnlySubnetIsNotLeftOut() {
    assertEquals("10.244.0.0/24", free(request("10.244.0.0/24", 24, null, null), others()));
  }

  @Test
  void ipv6AndTheEndsOfTheAddressSpace() {
    assertEquals(
        IpPrefix.parse("fd00:10:244:1::/64").toString(),
        free(request("fd00:10:244::/48", 64, null, null), others()));
    assertEquals(
        IpPrefix.parse("ff00::/9").toString(),
        free(request("fe00::/7", 9, null, null), others("fe80::/9")));
    assertEquals(
        "255.255.255.0/24",
        free(request("255.255.254.0/23", 24, null, null), others()),
        "the very last");
  }

  /** The slow way and the walk agree: first free block, never one that overlaps. */
  @Test
  void theWalkAgreesWithTryingEachSubnet() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < 300; round++) {
      List<Lease> leases = new ArrayList<>();
      int count = random.nextInt(12);
      for (int i = 0; i < count; i++) {
        int length = 24 + random.nextInt(9);
        InetAddress address = IpPrefix.parseAddress("10.244.0." + random.nextInt(256));
        leases.add(Fixtures.lease(IpPrefix.containing(address, length).toString(), "h" + i));
      }
      String expected = "none";
      for (int i = 1; i < 16 && expected.equals("none"); i++) {
        IpPrefix candidate = IpPrefix.parse("10.244.0." + i * 16 + "/28");
        if (leases.stream().noneMatch(lease -> lease.subnet().prefix().overlaps(candidate))) {
          expected = candidate.toString();
        }
      }
      String found;
      try {
        found = free(request("10.244.0.0/24", 28, null, null), leases);
      } catch (RefusedException e) {
        found = "none";
      }
      assertEquals(expected, found, "seed " + seed + ", leases " + leases);
    }
  }

  private static List<IpPrefix> spares(String host, String network, List<Lease> leases) {
    SubnetAllocator.Request any = request(network, 24, null, null);
    return SubnetAllocator.choose(
                new SubnetAllocator.Request(
                    new HostName(host),
                    any.vni(),
                    any.network(),
                    any.length(),
                    any.wanted(),
                    any.previous(),
                    new Reservations(List.of(IpPrefix.parse("10.1.0.0/16")), Map.of())),
                leases)
            instanceof Choice.Free(IpPrefix _, List<IpPrefix> spares)
        ? spares
        : List.of();
  }

  @Test
  void eachHostHasSparesOfItsOwnAmongWhatIsFree() {
    List<Lease> leases = others("10.0.0.0/16", "10.2.0.0/15");
    List<IpPrefix> spares = spares("host-01", "10.0.0.0/13", leases);
    assertEquals(SubnetAllocator.SPARES, spares.size());
    assertEquals(SubnetAllocator.SPARES, Set.copyOf(spares).size());
    assertEquals(spares, spares("host-01", "10.0.0.0/13", leases), "by nothing but the name");
    assertNotEquals(spares, spares("host-02", "10.0.0.0/13", leases));
    IpPrefix left = IpPrefix.parse("10.4.0.0/14");
    IpPrefix lowest = IpPrefix.parse("10.4.0.0/24");
    assertTrue(
        spares.stream().allMatch(spare -> left.contains(spare.address())), spares.toString());
    assertFalse(spares.contains(lowest));
    assertEquals(
        List.of("10.4.1.0/24", "10.4.2.0/24", "10.4.3.0/24"),
        spares.stream().limit(SubnetAllocator.NEXT).map(IpPrefix::toString).toList(),
        "a few hosts that come at once get subnets in a row");
    assertTrue(spares.stream().allMatch(spare -> spare.length() == 24));
  }

  @Test
  void whoeverMustHaveOneSubnetHasNoSparesAndAFullNetworkHasNone() {
    assertEquals(
        new Choice.Free(IpPrefix.parse("10.4.5.0/24")),
        SubnetAllocator.choose(request("10.4.0.0/14", 24, "10.4.5.0/24", null), List.of()));
    assertEquals(List.of(), spares("host-01", "10.4.0.0/23", List.of()), "there is one in all");
    assertEquals(List.of(), spares("host-01", "10.4.0.0/24", List.of()));
  }

  @Test
  void containersGetTheLowestFreeAddressBehindTheGateway() {
    IpPrefix subnet = IpPrefix.parse("10.244.1.0/24");
    assertEquals(
        IpPrefix.parseAddress("10.244.1.2"), AddressAllocator.lowestFree(subnet, Set.of()));
    assertEquals(
        IpPrefix.parseAddress("10.244.1.3"),
        AddressAllocator.lowestFree(
            subnet,
            Set.of(IpPrefix.parseAddress("10.244.1.2"), IpPrefix.parseAddress("10.244.1.4"))));
  }

  @Test
  void ipv6ContainersToo() {
    IpPrefix subnet = IpPrefix.parse("fd00:10:244:1::/64");
    assertEquals(
        IpPrefix.parseAddress("fd00:10:244:1::2"), AddressAllocator.lowestFree(subnet, Set.of()));
  }

  @Test
  void aFullSubnetIsAClearWord() {
    IpPrefix subnet = IpPrefix.parse("10.244.1.0/24");
    Set<InetAddress> taken = new HashSet<>();
    for (int i = 0; i < 253; i++) {
      assertTrue(taken.add(AddressAllocator.lowestFree(subnet, taken)));
    }
    assertFalse(taken.contains(IpPrefix.parseAddress("10.244.1.255")));
    var e = assertThrows(RefusedException.class, () -> AddressAllocator.lowestFree(subnet, taken));
    assertEquals(
        "The subnet 10.244.1.0/24 has no free address: 253 containers fill it; detach some, or use"
            + " larger subnets.",
        e.getMessage());
  }

  @Test
  void wantedAddressesAreChecked() {
    IpPrefix subnet = IpPrefix.parse("10.244.1.0/24");
    Set<InetAddress> taken = Set.of(IpPrefix.parseAddress("10.244.1.2"));
    for (String bad :
        List.of(
            "10.244.1.0", "10.244.1.1", "10.244.1.2", "10.244.1.255", "10.244.2.3", "fd00::2")) {
      assertThrows(
          RefusedException.class,
          () -> AddressAllocator.check(subnet, IpPrefix.parseAddress(bad), taken),
          bad);
    }
    assertDoesNotThrow(
        () -> AddressAllocator.check(subnet, IpPrefix.parseAddress("10.244.1.254"), taken));
  }

  @Test
  void vtepMacsAreStableLocalAndUnicast() {
    Set<String> macs = new HashSet<>();
    for (int i = 0; i < 1000; i++) {
      HostName host = new HostName("host-" + i);
      var mac = VtepMac.derive(host, new Vni(1));
      assertEquals(mac, VtepMac.derive(host, new Vni(1)));
      assertEquals(0x02, mac.toBytes()[0] & 0x03, host.text());
      assertTrue(macs.add(mac.toString()), host.text());
    }
    // printf 'host-01/1' | sha256sum, first byte with its two lowest bits made 10
    assertEquals(
        Fixtures.HOST_01_MAC, VtepMac.derive(new HostName("host-01"), new Vni(1)).toString());
  }

  /**
   * Whatever is taken and wanted: one free address of each subnet, and the wanted ones as asked.
   */
  @Test
  void eachSubnetGivesOneFreeAddress() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    List<IpPrefix> subnets =
        List.of(IpPrefix.parse("10.244.1.0/27"), IpPrefix.parse("fd00:244:0:1::/123"));
    for (int round = 0; round < 500; round++) {
      Set<InetAddress> taken = new HashSet<>();
      for (IpPrefix subnet : subnets) {
        for (int i = random.nextInt(29); i > 0; i--) {
          taken.add(Prefixes.address(subnet.family(), place(subnet, 2 + random.nextInt(29))));
        }
      }
      List<InetAddress> wanted = new ArrayList<>();
      IpPrefix one = subnets.get(random.nextInt(2));
      InetAddress asked = Prefixes.address(one.family(), place(one, 2 + random.nextInt(29)));
      if (random.nextBoolean() && !taken.contains(asked)) {
        wanted.add(asked);
      }
      String where = "seed " + seed + ", round " + round;
      try {
        List<InetAddress> chosen = AddressAllocator.choose(subnets, wanted, taken);
        assertEquals(2, chosen.size(), where);
        for (int i = 0; i < 2; i++) {
          AddressAllocator.check(subnets.get(i), chosen.get(i), taken);
        }
        assertTrue(chosen.containsAll(wanted), where);
      } catch (RefusedException full) {
        assertTrue(taken.size() >= 29, where + ": " + full.getMessage());
      }
    }
  }

  private static BigInteger place(IpPrefix subnet, int index) {
    return Prefixes.first(subnet).add(BigInteger.valueOf(index));
  }
}
