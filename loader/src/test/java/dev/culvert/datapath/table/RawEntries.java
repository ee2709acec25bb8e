// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import dev.culvert.datapath.Traffic;
import dev.culvert.kernel.bpf.BpfMap;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;

/** Entries of single maps, for worlds that no agent would make. */
public final class RawEntries {
  /** In bpf/src/maps.h. */
  private static final int FLOW_WHOLE = 0;

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

  /** When each flow ends, as the kernel's monotonic clock counts; not the fragments of flows. */
  public static List<Long> flowExpiriesNs(BpfMap flows) {
    List<Long> all = new ArrayList<>();
    flows.forEach((key, value) -> {
      if (Layouts.FLOW_KEY.field("kind").get(key, 0) == FLOW_WHOLE) {
        all.add(Layouts.FLOW.field("expires_ns").get(value, 0));
      }
    });
    return all;
  }

  /** Has all flows and fragments end now. */
  public static void expireFlows(BpfMap flows, long nowNs) {
    EntryMap entries = EntryMap.of(flows);
    try (Arena arena = Arena.ofConfined()) {
      List<MemorySegment> keys = new ArrayList<>();
      entries.forEach((key, value) -> keys.add(arena.allocate(key.byteSize(), 8).copyFrom(key)));
      MemorySegment value = arena.allocate(Layouts.FLOW.sizeBytes(), 8);
      Layouts.FLOW.field("expires_ns").set(value, 0, nowNs);
      keys.forEach(key -> entries.put(key, value));
    }
  }
}
