// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import static dev.culvert.datapath.table.Layouts.FLOW;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Maps flows and flows_kept: what the host's stack has carried, so that answers are left to it. The
 * programs fill them and need nobody for it; but only we see that nothing in them lives any more,
 * and let packets pass without a look at them again.
 */
public final class FlowTable {
  private final EntryMap flows;
  private final EntryMap kept;

  public FlowTable(EntryMap flows, EntryMap kept) {
    this.flows = flows;
    this.kept = kept;
  }

  /** Whether packets are looked up. */
  public boolean isKept() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(Layouts.FLOWS_KEPT);
      return kept.get(arena.allocate(Layouts.ONE_KEY), value)
          && value.get(Layouts.FLOWS_KEPT, 0) != 0;
    }
  }

  /** Flows and fragments of flows that have not expired. */
  public int size(long nowNs) {
    int[] living = {0};
    flows.forEach((key, value) -> living[0] += isExpired(value, nowNs) ? 0 : 1);
    return living[0];
  }

  /**
   * Takes away what has expired, and tells the programs when nothing is left.
   *
   * @param nowNs the kernel's monotonic clock
   */
  public void expire(long nowNs) {
    if (!isKept()) {
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      removeExpired(arena, nowNs);
      if (size(nowNs) > 0) {
        return;
      }
      setKept(arena, false);
      // A flow that has begun meanwhile has set what we have just taken back.
      if (size(nowNs) > 0) {
        setKept(arena, true);
      }
    }
  }

  private void removeExpired(Arena arena, long nowNs) {
    List<MemorySegment> expired = new ArrayList<>();
    flows.forEach((key, value) -> {
      if (isExpired(value, nowNs)) {
        expired.add(arena.allocate(key.byteSize(), 8).copyFrom(key));
      }
    });
    expired.forEach(flows::remove); // One that was used again a moment ago is remembered again.
  }

  private static boolean isExpired(MemorySegment value, long nowNs) {
    return FLOW.field("expires_ns").get(value, 0) <= nowNs;
  }

  private void setKept(Arena arena, boolean wanted) {
    MemorySegment value = arena.allocateFrom(Layouts.FLOWS_KEPT, wanted ? 1 : 0);
    kept.put(arena.allocate(Layouts.ONE_KEY), value);
  }
}
