// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import static dev.culvert.datapath.Layouts.VTEP;
import static dev.culvert.datapath.Layouts.VTEP_KEY;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;

/** Map vteps: which underlay addresses are this host's own. */
final class VtepTable {
  private final EntryMap vteps;

  VtepTable(EntryMap vteps) {
    this.vteps = vteps;
  }

  /**
   * Makes {@code own} the only address of this host; the new one is there before an old one goes.
   */
  void setSelf(InetAddress own) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment key = key(arena, own);
      MemorySegment value = arena.allocate(VTEP.sizeBytes(), 8);
      Layouts.putInt(value, VTEP, "flags", Layouts.VTEP_SELF);
      vteps.put(key, value);
      for (InetAddress other : selves()) {
        if (!other.equals(own)) {
          vteps.remove(key(arena, other));
        }
      }
    }
  }

  /** Every address that is marked as this host's. */
  List<InetAddress> selves() {
    List<InetAddress> selves = new ArrayList<>();
    vteps.forEach((key, value) -> {
      if ((Layouts.getInt(value, VTEP, "flags") & Layouts.VTEP_SELF) != 0) {
        selves.add(Layouts.address(Layouts.getBytes(key, VTEP_KEY, "address")));
      }
    });
    return selves;
  }

  private static MemorySegment key(Arena arena, InetAddress address) {
    MemorySegment key = arena.allocate(VTEP_KEY.sizeBytes(), 8);
    Layouts.putAddress(key, VTEP_KEY, "address", address);
    return key;
  }
}
