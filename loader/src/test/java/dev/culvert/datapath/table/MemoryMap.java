// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import dev.culvert.kernel.KernelException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiConsumer;

/** A map in memory that keeps a log of what is asked of it and refuses entries beyond its size. */
final class MemoryMap implements EntryMap {
  private final String name;
  private final int keyBytes;
  private final int valueBytes;
  private final int maxEntries;
  private final Map<String, byte[]> entries = new TreeMap<>();
  final List<String> log = new ArrayList<>();

  MemoryMap(String name, int keyBytes, int valueBytes, int maxEntries) {
    this.name = name;
    this.keyBytes = keyBytes;
    this.valueBytes = valueBytes;
    this.maxEntries = maxEntries;
  }

  /** Every entry, in hexadecimal. */
  Map<String, String> hex() {
    Map<String, String> hex = new TreeMap<>();
    entries.forEach((key, value) -> hex.put(key, HexFormat.of().formatHex(value)));
    return hex;
  }

  private String hex(MemorySegment key) {
    if (key.byteSize() != keyBytes) {
      throw new AssertionError("a key of " + key.byteSize() + " bytes for " + name);
    }
    return HexFormat.of().formatHex(key.toArray(ValueLayout.JAVA_BYTE));
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public int keyBytes() {
    return keyBytes;
  }

  @Override
  public int valueBytes() {
    return valueBytes;
  }

  @Override
  public int maxEntries() {
    return maxEntries;
  }

  @Override
  public boolean get(MemorySegment key, MemorySegment value) {
    byte[] found = entries.get(hex(key));
    if (found != null) {
      value.copyFrom(MemorySegment.ofArray(found));
    }
    return found != null;
  }

  @Override
  public void put(MemorySegment key, MemorySegment value) {
    log.add("put");
    putQuietly(key, value);
  }

  private void putQuietly(MemorySegment key, MemorySegment value) {
    if (value.byteSize() != valueBytes) {
      throw new AssertionError("a value of " + value.byteSize() + " bytes for " + name);
    }
    String hex = hex(key);
    if (!entries.containsKey(hex) && entries.size() == maxEntries) {
      throw new KernelException("BPF_MAP_UPDATE_ELEM", "map " + name, 28, "");
    }
    entries.put(hex, value.toArray(ValueLayout.JAVA_BYTE));
  }

  @Override
  public boolean remove(MemorySegment key) {
    log.add("remove");
    return entries.remove(hex(key)) != null;
  }

  @Override
  public void putAll(MemorySegment keys, MemorySegment values, int count) {
    log.add("putAll " + count);
    for (int i = 0; i < count; i++) {
      putQuietly(
          keys.asSlice((long) i * keyBytes, keyBytes),
          values.asSlice((long) i * valueBytes, valueBytes));
    }
  }

  @Override
  public void removeAll(MemorySegment keys, int count) {
    log.add("removeAll " + count);
    for (int i = 0; i < count; i++) {
      entries.remove(hex(keys.asSlice((long) i * keyBytes, keyBytes)));
    }
  }

  @Override
  public void forEach(BiConsumer<MemorySegment, MemorySegment> visitor) {
    entries.forEach((key, value) ->
        visitor.accept(
            MemorySegment.ofArray(HexFormat.of().parseHex(key)), MemorySegment.ofArray(value)));
  }
}
