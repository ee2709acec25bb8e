// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import static dev.culvert.datapath.table.Layouts.COUNTER;

import dev.culvert.datapath.Counter;
import dev.culvert.datapath.Verdict;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.Map;

/** Map counters: what became of packets, by CPU; read as a sum. */
public final class CounterTable {
  private final EntryMap counters;

  CounterTable(EntryMap counters) {
    this.counters = counters;
  }

  /** Total over all CPUs, by verdict. */
  @SuppressWarnings("EnumOrdinal") // The place is the key: enum verdict in C has the same order.
  public Map<Verdict, Counter> read() {
    Map<Verdict, Counter> totals = new EnumMap<>(Verdict.class);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment key = arena.allocate(Layouts.COUNTER_KEY);
      MemorySegment slots = arena.allocate(counters.valueBytes(), 8);
      for (Verdict verdict : Verdict.values()) {
        key.set(Layouts.COUNTER_KEY, 0, verdict.ordinal());
        boolean present = counters.get(key, slots);
        totals.put(verdict, present ? sum(slots) : new Counter(0, 0));
      }
    }
    return totals;
  }

  private static Counter sum(MemorySegment slots) {
    long packets = 0;
    long bytes = 0;
    for (long cpu = 0; cpu < slots.byteSize(); cpu += COUNTER.sizeBytes()) {
      packets += COUNTER.field("packets").get(slots, cpu);
      bytes += COUNTER.field("bytes").get(slots, cpu);
    }
    return new Counter(packets, bytes);
  }
}
