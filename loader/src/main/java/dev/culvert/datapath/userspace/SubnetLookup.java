// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * Longest prefix match of one address family, the VNI part of every key. One hash table for each
 * prefix length that occurs, tried from the longest: hosts lease subnets of one size as a rule, and
 * then a lookup is one probe, however many there are. Immutable.
 *
 * <p>An address is two longs; an IPv4 one is in the low half, and its lengths count from there.
 */
final class SubnetLookup<T> {
  /** One prefix and what it stands for. */
  record Entry<T>(int vni, long high, long low, int length, T value) {}

  private final Table[] tables;

  /**
   * @param bits of an address: 32 or 128
   */
  SubnetLookup(int bits, List<Entry<T>> entries) {
    NavigableMap<Integer, List<Entry<T>>> byLength = new TreeMap<>(Collections.reverseOrder());
    for (Entry<T> entry : entries) {
      byLength.computeIfAbsent(entry.length(), _ -> new ArrayList<>()).add(entry);
    }
    tables = new Table[byLength.size()];
    int next = 0;
    for (Map.Entry<Integer, List<Entry<T>>> each : byLength.entrySet()) {
      tables[next++] = new Table(128 - bits + each.getKey(), each.getValue());
    }
  }

  /** What the longest prefix around an address stands for, or null. */
  @SuppressWarnings("unchecked") // The tables hold what the constructor was given.
  T find(int vni, long high, long low) {
    for (Table table : tables) {
      Object value = table.find(vni, high & table.highMask, low & table.lowMask);
      if (value != null) {
        return (T) value;
      }
    }
    return null;
  }

  /** Open addressing, at most half full. */
  private static final class Table {
    private final long highMask;
    private final long lowMask;
    private final int slotMask;
    private final int[] vnis;
    private final long[] highs;
    private final long[] lows;
    private final Object[] values;

    Table(int length, List<? extends Entry<?>> entries) {
      highMask = mask(length);
      lowMask = mask(length - Long.SIZE);
      int slots = Integer.highestOneBit(Math.max(1, entries.size())) << 2;
      slotMask = slots - 1;
      vnis = new int[slots];
      highs = new long[slots];
      lows = new long[slots];
      values = new Object[slots];
      entries.forEach(this::put);
    }

    private static long mask(int bits) {
      return bits <= 0 ? 0 : bits >= Long.SIZE ? -1 : -1L << (Long.SIZE - bits);
    }

    private void put(Entry<?> entry) {
      int slot = slot(entry.vni(), entry.high(), entry.low());
      while (values[slot] != null) {
        slot = (slot + 1) & slotMask;
      }
      vnis[slot] = entry.vni();
      highs[slot] = entry.high();
      lows[slot] = entry.low();
      values[slot] = entry.value();
    }

    Object find(int vni, long high, long low) {
      for (int slot = slot(vni, high, low); values[slot] != null; slot = (slot + 1) & slotMask) {
        if (lows[slot] == low && highs[slot] == high && vnis[slot] == vni) {
          return values[slot];
        }
      }
      return null;
    }

    private int slot(int vni, long high, long low) {
      long mixed = (low ^ (high * 0x9e37_79b9_7f4a_7c15L) ^ vni) * 0xbf58_476d_1ce4_e5b9L;
      return (int) (mixed >>> 40) & slotMask;
    }
  }
}
