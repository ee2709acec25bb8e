// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class VtepTableTest {
  private final MemoryMap vteps = new MemoryMap("vteps", 16, 8, 100);

  @Test
  void onlyTheLatestAddressIsThisHosts() {
    new VtepTable(vteps).setSelf(InetAddress.ofLiteral("10.17.2.2"));
    assertEquals(Map.of("00000000000000000000ffff0a110202", "01000000" + "00000000"), vteps.hex());

    InetAddress moved = InetAddress.ofLiteral("fd17::2");
    VtepTable next = new VtepTable(vteps);
    next.setSelf(moved);
    next.setSelf(moved);
    assertEquals(Map.of("fd170000000000000000000000000002", "01000000" + "00000000"), vteps.hex());
    assertEquals(List.of(moved), next.selves());
  }
}
