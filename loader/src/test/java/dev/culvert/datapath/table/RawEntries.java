// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import dev.culvert.datapath.Traffic;
import dev.culvert.kernel.BpfMap;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;

/** Entries of single maps, for worlds that no agent would make. */
public final class RawEntries {
  private RawEntries() {}

  /** One more address of this host in map vteps. */
  public static void addSelf(BpfMap vteps, InetAddress address) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment key = arena.allocate(Layouts.VTEP_KEY.sizeBytes(), 8);
      Layouts.putAddress(key, Layouts.VTEP_KEY, "address", address);
      MemorySegment value = arena.allocate(Layouts.VTEP.sizeBytes(), 8);
      Layouts.putInt(value, Layouts.VTEP, "flags", Layouts.VTEP_SELF);
      EntryMap.of(vteps).put(key, value);
    }
  }

  /** Who sends through an interface, by the number in map interfaces. */
  public static int senderId(BpfMap interfaces, int interfaceIndex) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(Layouts.INTERFACE.sizeBytes(), 8);
      if (!interfaces.get(arena.allocateFrom(ValueLayout.JAVA_INT, interfaceIndex), value)) {
        throw new AssertionError("Nobody may send through the interface " + interfaceIndex + ".");
      }
      return Layouts.getInt(value, Layouts.INTERFACE, "endpoint_id");
    }
  }

  /** What is counted under a number. */
  public static Traffic traffic(BpfMap map, int id) {
    return new TrafficTable(EntryMap.of(map)).read(id);
  }
}
