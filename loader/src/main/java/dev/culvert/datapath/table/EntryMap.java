// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import dev.culvert.kernel.bpf.BpfMap;
import java.lang.foreign.MemorySegment;
import java.util.function.BiConsumer;

/** What the tables need of a kernel map; a test puts a map in memory here. */
interface EntryMap {
  String name();

  int keyBytes();

  int valueBytes();

  int maxEntries();

  boolean get(MemorySegment key, MemorySegment value);

  void put(MemorySegment key, MemorySegment value);

  /** False when there was no such key. */
  boolean remove(MemorySegment key);

  /** After an exception any number of the entries may have been written. */
  void putAll(MemorySegment keys, MemorySegment values, int count);

  void removeAll(MemorySegment keys, int count);

  /** The segments are reused from entry to entry. */
  void forEach(BiConsumer<MemorySegment, MemorySegment> visitor);

  /** A kernel map as it is. */
  static EntryMap of(BpfMap map) {
    return new KernelMap(map);
  }

  /** See {@link #of}. */
  record KernelMap(BpfMap map) implements EntryMap {
    @Override
    public String name() {
      return map.name();
    }

    @Override
    public int keyBytes() {
      return map.keyBytes();
    }

    @Override
    public int valueBytes() {
      return map.valueSlotBytes();
    }

    @Override
    public int maxEntries() {
      return map.maxEntries();
    }

    @Override
    public boolean get(MemorySegment key, MemorySegment value) {
      return map.get(key, value);
    }

    @Override
    public void put(MemorySegment key, MemorySegment value) {
      map.put(key, value, BpfMap.ANY);
    }

    @Override
    public boolean remove(MemorySegment key) {
      return map.remove(key);
    }

    @Override
    public void putAll(MemorySegment keys, MemorySegment values, int count) {
      map.putAll(keys, values, count);
    }

    @Override
    public void removeAll(MemorySegment keys, int count) {
      map.removeAll(keys, count);
    }

    @Override
    public void forEach(BiConsumer<MemorySegment, MemorySegment> visitor) {
      map.forEach(visitor);
    }
  }
}
