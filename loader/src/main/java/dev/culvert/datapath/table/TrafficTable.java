// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import static dev.culvert.datapath.table.Layouts.TRAFFIC;

import dev.culvert.datapath.Counter;
import dev.culvert.datapath.Traffic;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Map vtep_traffic or endpoint_traffic: both directions, by number and CPU; read as a sum. */
final class TrafficTable {
  private final EntryMap map;

  TrafficTable(EntryMap map) {
    this.map = map;
  }

  /** Total over all CPUs. */
  Traffic read(int id) {
    if (!hasRoom(id)) {
      return Traffic.NONE;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment slots = arena.allocate(map.valueBytes(), 8);
      return map.get(key(arena, id), slots)
          ? new Traffic(sum(slots, "sent"), sum(slots, "received"))
          : Traffic.NONE;
    }
  }

  /** Begins anew: the number belongs to somebody else now. */
  void clear(int id) {
    if (!hasRoom(id)) {
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      map.put(key(arena, id), arena.allocate(map.valueBytes(), 8));
    }
  }

  /** 0 stands for all that are not counted one by one; large numbers have no room in the map. */
  private boolean hasRoom(int id) {
    return id > 0 && id < map.maxEntries();
  }

  private static MemorySegment key(Arena arena, int id) {
    MemorySegment key = arena.allocate(Layouts.PLACE);
    key.set(Layouts.PLACE, 0, id);
    return key;
  }

  private static Counter sum(MemorySegment slots, String direction) {
    long packets = 0;
    long bytes = 0;
    for (long cpu = 0; cpu < slots.byteSize(); cpu += TRAFFIC.sizeBytes()) {
      packets += TRAFFIC.field(direction + "_packets").get(slots, cpu);
      bytes += TRAFFIC.field(direction + "_bytes").get(slots, cpu);
    }
    return new Counter(packets, bytes);
  }
}
