// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.userspace.SubnetLookup.Entry;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SubnetLookupTest {
  private record Key(int vni, IpPrefix prefix) {}

  private static SubnetLookup<String> of(int bits, Map<Key, String> content) {
    List<Entry<String>> entries = new ArrayList<>();
    content.forEach((key, value) ->
        entries.add(
            new Entry<>(
                key.vni(),
                Addresses.high(key.prefix().address()),
                Addresses.low(key.prefix().address()),
                key.prefix().length(),
                value)));
    return new SubnetLookup<>(bits, entries);
  }

  private static String find(SubnetLookup<String> lookup, int vni, String address) {
    InetAddress parsed = InetAddress.ofLiteral(address);
    return lookup.find(vni, Addresses.high(parsed), Addresses.low(parsed));
  }

  @Test
  void theLongestPrefixOfTheVniWins() {
    SubnetLookup<String> lookup =
        of(
            32,
            Map.of(
                new Key(1, IpPrefix.parse("10.244.0.0/16")), "network",
                new Key(1, IpPrefix.parse("10.244.1.0/24")), "host",
                new Key(1, IpPrefix.parse("10.244.1.7/32")), "one",
                new Key(2, IpPrefix.parse("10.244.1.0/24")), "other network"));
    assertEquals("one", find(lookup, 1, "10.244.1.7"));
    assertEquals("host", find(lookup, 1, "10.244.1.8"));
    assertEquals("network", find(lookup, 1, "10.244.2.1"));
    assertEquals("other network", find(lookup, 2, "10.244.1.7"));
    assertNull(find(lookup, 1, "10.245.0.1"));
    assertNull(find(lookup, 3, "10.244.1.7"));
  }

  @Test
  void bothHalvesOfAnIpv6AddressCount() {
    SubnetLookup<String> lookup =
        of(
            128,
            Map.of(
                new Key(1, IpPrefix.parse("fd00:244:1::/64")), "host",
                new Key(1, IpPrefix.parse("fd00:244:1::8000:0:0:0/65")), "half",
                new Key(1, IpPrefix.parse("::/0")), "rest"));
    assertEquals("host", find(lookup, 1, "fd00:244:1::1"));
    assertEquals("half", find(lookup, 1, "fd00:244:1:0:8000::1"));
    assertEquals("rest", find(lookup, 1, "fd00:244:2::1"));
  }

  @Test
  void nothingIsInAnEmptyOne() {
    assertNull(find(of(32, Map.of()), 1, "10.244.1.1"));
  }

  @Test
  void agreesWithTryingThemAll() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    Map<Key, String> content = new HashMap<>();
    for (int i = 0; i < 2000; i++) {
      InetAddress address = address(random);
      IpPrefix prefix = IpPrefix.containing(address, random.nextInt(33));
      content.put(new Key(1 + random.nextInt(3), prefix), "value " + i);
    }
    SubnetLookup<String> lookup = of(32, content);
    for (int i = 0; i < 2000; i++) {
      InetAddress address = address(random);
      int vni = 1 + random.nextInt(3);
      String slow =
          content.entrySet().stream()
              .filter(entry -> entry.getKey().vni() == vni)
              .filter(entry -> entry.getKey().prefix().contains(address))
              .max(Comparator.comparingInt(entry -> entry.getKey().prefix().length()))
              .map(Map.Entry::getValue)
              .orElse(null);
      assertEquals(slow, find(lookup, vni, address.getHostAddress()), "seed " + seed);
    }
  }

  private static InetAddress address(Random random) {
    return InetAddress.ofLiteral("10." + random.nextInt(4) + "." + random.nextInt(256) + ".9");
  }
}
