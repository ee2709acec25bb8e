// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench;

import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfMap;
import dev.culvert.kernel.bpf.BpfObjectSpec.MapSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Calls on one map of {@link #ENTRIES} entries, by raw bytes: what bpf(2) costs from Java before
 * any of our own work. bench/src/main/c/map_calls.c makes the same calls in C. Not for use by
 * several threads.
 */
final class MapCalls implements AutoCloseable {
  static final int ENTRIES = 1000;

  private static final int VALUE_BYTES = 136; // struct subnet
  private static final int NO_PREALLOC = 1;
  private static final ValueLayout.OfInt BIG_ENDIAN_INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

  /** What the datapath uses; numbers as in linux/bpf.h. */
  enum Type {
    HASH(1, 8, VALUE_BYTES, NO_PREALLOC),
    LPM_TRIE(11, 12, VALUE_BYTES, NO_PREALLOC),
    ARRAY(2, 4, VALUE_BYTES, 0),
    PERCPU_ARRAY(6, 4, 16, 0);

    private final int number;
    private final int keyBytes;
    private final int valueBytes;
    private final int flags;

    Type(int number, int keyBytes, int valueBytes, int flags) {
      this.number = number;
      this.keyBytes = keyBytes;
      this.valueBytes = valueBytes;
      this.flags = flags;
    }

    private MapSpec spec() {
      return new MapSpec("bench", number, new MapSpec.Sizes(keyBytes, valueBytes, ENTRIES), flags);
    }

    /** The kernel's arrays keep all their entries. */
    boolean canDelete() {
      return this == HASH || this == LPM_TRIE;
    }

    private void fillKey(MemorySegment key, int entry) {
      switch (this) {
        case HASH -> {
          key.set(BIG_ENDIAN_INT, 0, 1);
          key.set(BIG_ENDIAN_INT, 4, 10 << 24 | entry << 8);
        }
        case LPM_TRIE -> {
          key.set(ValueLayout.JAVA_INT, 0, 32 + 24);
          key.set(BIG_ENDIAN_INT, 4, 1);
          key.set(BIG_ENDIAN_INT, 8, 10 << 24 | entry << 8);
        }
        case ARRAY, PERCPU_ARRAY -> key.set(ValueLayout.JAVA_INT, 0, entry);
      }
    }
  }

  private final Arena arena = Arena.ofConfined();
  private final BpfMap map;
  private final MemorySegment keys;
  private final MemorySegment values;
  private final MemorySegment[] key = new MemorySegment[ENTRIES];
  private final MemorySegment[] value = new MemorySegment[ENTRIES];

  MapCalls(Type type) {
    map = BpfMap.create(Libc.system(), type.spec());
    keys = arena.allocate((long) map.keyBytes() * ENTRIES, 8);
    values = arena.allocate((long) map.valueSlotBytes() * ENTRIES, 8);
    for (int i = 0; i < ENTRIES; i++) {
      key[i] = keys.asSlice((long) i * map.keyBytes(), map.keyBytes());
      value[i] = values.asSlice((long) i * map.valueSlotBytes(), map.valueSlotBytes());
      type.fillKey(key[i], i);
    }
    batch();
  }

  void update() {
    for (int i = 0; i < ENTRIES; i++) {
      map.put(key[i], value[i], BpfMap.ANY);
    }
  }

  void lookup() {
    for (int i = 0; i < ENTRIES; i++) {
      map.get(key[i], value[i]);
    }
  }

  /** One call for all. */
  void batch() {
    map.putAll(keys, values, ENTRIES);
  }

  void delete() {
    for (int i = 0; i < ENTRIES; i++) {
      map.remove(key[i]);
    }
  }

  @Override
  public void close() {
    map.close();
    arena.close();
  }
}
