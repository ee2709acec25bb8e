// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class VtepTableTest {
  private static final InetAddress TWO = InetAddress.ofLiteral("10.18.2.2");
  private static final Subnet A = subnet("10.244.2.0/24");
  private static final Subnet B = subnet("10.244.3.0/24");

  private final MemoryMap vteps = new MemoryMap("vteps", 16, 8, 100);
  private final MemoryMap paths = new MemoryMap("paths", 4, 16, 100);
  private final TrafficTable traffic = new TrafficTable(new MemoryMap("traffic", 4, 32, 100));

  @Test
  void onlyTheLatestAddressIsThisHosts() {
    new VtepTable(vteps, paths, traffic).setSelf(InetAddress.ofLiteral("10.17.2.2"));
    assertEquals(Map.of("00000000000000000000ffff0a110202", "01000000" + "00000000"), vteps.hex());

    InetAddress moved = InetAddress.ofLiteral("fd17::2");
    VtepTable next = new VtepTable(vteps, paths, traffic);
    next.setSelf(moved);
    next.setSelf(moved);
    assertEquals(Map.of("fd170000000000000000000000000002", "01000000" + "00000000"), vteps.hex());
    assertEquals(List.of(moved), next.selves());
  }

  @Test
  void anotherHostsVtepIsNotedAsLongAsItOwnsASubnet() {
    VtepTable table = new VtepTable(vteps, paths, traffic);
    assertEquals(1, table.idOf(TWO));
    table.owns(A, TWO);
    table.owns(B, TWO);
    assertEquals(Map.of("00000000000000000000ffff0a120202", "00000000" + "01000000"), vteps.hex());

    table.ownsNoMore(A);
    table.forgetUnused();
    assertEquals(1, vteps.hex().size());
    table.owns(B, InetAddress.ofLiteral("10.19.2.2"));
    table.forgetUnused();
    assertEquals(Map.of(), vteps.hex());
  }

  @Test
  void aNewVtepsPathIsUnknownWhoeverHadItsNumber() {
    paths.put(
        MemorySegment.ofArray(HexFormat.of().parseHex("01000000")),
        MemorySegment.ofArray(
            HexFormat.of().parseHex("ffffffffffffff7f" + "14050000" + "00000000")));
    VtepTable table = new VtepTable(vteps, paths, traffic);
    table.recover(TWO, 1);
    assertEquals(Optional.of(new VtepTable.PathMtu(1300, Long.MAX_VALUE)), table.path(TWO));

    VtepTable other = new VtepTable(vteps, paths, traffic);
    assertEquals(1, other.idOf(TWO));
    assertEquals(Optional.empty(), other.path(TWO));
  }

  @Test
  void ourOwnAddressStaysOurs() {
    VtepTable table = new VtepTable(vteps, paths, traffic);
    table.setSelf(TWO);
    table.idOf(TWO);
    assertEquals(List.of(TWO), table.selves());
  }

  private static Subnet subnet(String prefix) {
    return new Subnet(new Vni(1), IpPrefix.parse(prefix));
  }
}
