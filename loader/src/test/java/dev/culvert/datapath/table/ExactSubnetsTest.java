// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Change;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The copies by usual size must never answer otherwise than the tries alone. */
class ExactSubnetsTest {
  private static final Vni VNI = new Vni(77);
  private static final Vtep LOCAL =
      new Vtep(InetAddress.ofLiteral("10.17.2.2"), 4789, MacAddress.parse("02:00:0a:11:02:02"));

  private final MemoryMap subnets4 = new MemoryMap("subnets4", 12, 136, 1000);
  private final MemoryMap subnets6 = new MemoryMap("subnets6", 24, 136, 1000);
  private MemoryMap exact4 = new MemoryMap("exact4", 8, 136, 1000);
  private final MemoryMap exact6 = new MemoryMap("exact6", 20, 136, 1000);
  private final MemoryMap masks = new MemoryMap("masks", 4, 24, 1);

  private SubnetTable table() {
    return new SubnetTable(
        subnets4,
        subnets6,
        new ExactSubnets(exact4, exact6, masks),
        new VtepTable(
            new MemoryMap("vteps", 16, 8, 100),
            new MemoryMap("paths", 4, 16, 100),
            new TrafficTable(new MemoryMap("vtep_traffic", 4, 32, 100))));
  }

  @Test
  void ownSubnetSaysWhatIsUsualAndWhatWasThereFollows() {
    SubnetTable table = table();
    table.apply(List.of(remote("10.244.2.0/24", 2), remote("10.244.128.0/20", 3)));
    assertEquals(Map.of(), exact4.hex());
    assertEquals(Map.of(), masks.hex());

    table.apply(List.of(local("10.244.1.0/24"), remote("10.244.3.0/24", 4)));
    // VNI 77 and the address, both big-endian
    assertEquals(
        List.of("0000004d0af40100", "0000004d0af40200", "0000004d0af40300"),
        List.copyOf(exact4.hex().keySet()));
    assertEquals(
        subnets4.hex().get("38000000" + "0000004d" + "0af40200"),
        exact4.hex().get("0000004d0af40200"));
    assertEquals(Map.of("00000000", "ffffff00" + "00".repeat(20)), masks.hex());
  }

  @Test
  void familiesHaveSizesOfTheirOwn() {
    table().apply(List.of(local("10.244.1.0/24"), local("fd44:1::/64"), remote("fd44:2::/64", 2)));
    assertEquals(
        Map.of("00000000", "ffffff00" + "00000000" + "ff".repeat(8) + "00".repeat(8)), masks.hex());
    assertEquals(2, exact6.hex().size());
    assertEquals(1, exact4.hex().size());
  }

  @Test
  void aLongerPrefixTakesTheCopyAwayUntilItGoes() {
    SubnetTable table = table();
    table.apply(List.of(local("10.244.1.0/24"), remote("10.244.2.0/24", 2)));
    String copy = "0000004d0af40200";

    table.apply(List.of(remote("10.244.2.64/26", 3), remote("10.244.2.128/26", 4)));
    assertEquals(Optional.empty(), Optional.ofNullable(exact4.hex().get(copy)));
    table.apply(List.of(remote("10.244.2.0/24", 5))); // a change meanwhile
    assertEquals(Optional.empty(), Optional.ofNullable(exact4.hex().get(copy)));
    table.apply(List.of(new Change.RemoveSubnet(subnet("10.244.2.64/26"))));
    assertEquals(Optional.empty(), Optional.ofNullable(exact4.hex().get(copy)));

    // After a restart it is still known what lies inside.
    table().apply(List.of(new Change.RemoveSubnet(subnet("10.244.2.128/26"))));
    assertEquals(subnets4.hex().get("38000000" + "0000004d" + "0af40200"), exact4.hex().get(copy));
  }

  @Test
  void whatCannotBeCopiedIsTheTriesToAnswer() {
    exact4 = new MemoryMap("exact4", 8, 136, 2);
    SubnetTable table = table();
    assertEquals(
        List.of(),
        table.apply(
            List.of(
                local("10.244.1.0/24"), remote("10.244.2.0/24", 2), remote("10.244.3.0/24", 3))));
    assertEquals(2, exact4.hex().size());
    assertEquals(3, subnets4.hex().size());
    assertAgree("a full map");
  }

  @ParameterizedTest
  @ValueSource(ints = {24, 28, 20})
  void anyOrderOfChangesGivesTheTriesAnswers(int usual) {
    long seed = new Random().nextLong();
    RandomGenerator random = new Random(seed);
    SubnetTable table = table();
    for (int step = 0; step < 300; step++) {
      List<Change> changes = new ArrayList<>();
      for (int i = random.nextInt(5); i >= 0; i--) {
        changes.add(random(random, usual));
      }
      assertEquals(List.of(), table.apply(changes), "seed " + seed);
      assertAgree("seed " + seed + ", step " + step + ", " + changes);
      if (random.nextInt(20) == 0) {
        table = table();
      }
    }
  }

  private static Change random(RandomGenerator random, int usual) {
    int length = random.nextInt(18, 30);
    byte[] address = {10, (byte) 244, (byte) random.nextInt(4), (byte) random.nextInt(256)};
    Subnet subnet = new Subnet(VNI, IpPrefix.containing(IpFamily.address(address), length));
    return switch (random.nextInt(8)) {
      case 0, 1, 2 -> new Change.RemoveSubnet(subnet);
      case 3 -> local(IpPrefix.containing(subnet.prefix().address(), usual).toString());
      default -> remote(subnet.prefix().toString(), 1 + random.nextInt(200));
    };
  }

  /** Asks both ways, as find_subnet in bpf/src/tables.h does and by the trie alone. */
  private void assertAgree(String when) {
    Map<String, String> tries = subnets4.hex();
    Map<String, String> copies = exact4.hex();
    String mask = masks.hex().getOrDefault("00000000", "00".repeat(24)).substring(0, 8);
    for (int third = 0; third < 4; third++) {
      for (int fourth = 0; fourth < 256; fourth += 4) {
        int address = 0x0af40000 | third << 8 | fourth;
        Optional<String> trie = longestMatch(tries, address);
        Optional<String> both = exactMatch(copies, mask, address).or(() -> trie);
        assertEquals(trie, both, () -> Integer.toHexString(address) + ": " + when);
      }
    }
  }

  private static Optional<String> exactMatch(Map<String, String> copies, String mask, int address) {
    int masked = address & HexFormat.fromHexDigits(mask);
    return mask.equals("00000000")
        ? Optional.empty()
        : Optional.ofNullable(copies.get("0000004d%08x".formatted(masked)));
  }

  private static Optional<String> longestMatch(Map<String, String> tries, int address) {
    for (int length = 32; length >= 0; length--) {
      int masked = length == 0 ? 0 : address & (-1 << (32 - length));
      String key =
          "%02x000000".formatted(32 + length)
              + "0000004d"
              + HexFormat.of().formatHex(ByteBuffer.allocate(4).putInt(masked).array());
      String found = tries.get(key);
      if (found != null) {
        return Optional.of(found);
      }
    }
    return Optional.empty();
  }

  private static Subnet subnet(String prefix) {
    return new Subnet(VNI, IpPrefix.parse(prefix));
  }

  private static Change local(String prefix) {
    return new Change.PutLocal(new LocalSubnet(subnet(prefix), 0));
  }

  private static Change remote(String prefix, int host) {
    assertTrue(host > 0 && host < 255);
    Vtep remote =
        new Vtep(
            InetAddress.ofLiteral("10.18.2." + host), 4789, MacAddress.parse("02:00:0a:12:02:02"));
    return new Change.PutRemote(
        new RemoteSubnet(subnet(prefix), LOCAL, remote, Optional.empty(), false));
  }
}
