// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Native memory for keys or values that lie one behind the other, used again from batch to batch:
 * it grows to the largest batch and stays. So do the segments of its entries, and a batch that is
 * not larger than an earlier one allocates nothing. Owned by one thread.
 */
final class EntryBuffer {
  private static final int FIRST_ENTRIES = 64;

  private final int entryBytes;
  private MemorySegment all = MemorySegment.NULL;
  private MemorySegment[] entries = new MemorySegment[0];

  EntryBuffer(int entryBytes) {
    this.entryBytes = entryBytes;
  }

  /** Room for one entry; what lies there from earlier batches is not cleared. */
  MemorySegment entry(int index) {
    if (index >= entries.length) {
      grow(index + 1);
    }
    return entries[index];
  }

  /** The entries one behind the other, from the first. */
  MemorySegment all() {
    return all;
  }

  private void grow(int needed) {
    int count = Math.max(needed, Math.max(FIRST_ENTRIES, 2 * entries.length));
    MemorySegment larger = Arena.ofAuto().allocate((long) count * entryBytes, 8);
    MemorySegment.copy(all, 0, larger, 0, all.byteSize());
    all = larger;
    entries = new MemorySegment[count];
    for (int i = 0; i < count; i++) {
      entries[i] = larger.asSlice((long) i * entryBytes, entryBytes);
    }
  }
}
