// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfObjectSpec.MapSpec;
import dev.culvert.testing.RequiresRoot;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("kernel")
@RequiresRoot
final class BpfMapKernelTest {
  private static final int HASH = 1;
  private static final int ARRAY = 2;
  private static final int PERCPU_HASH = 5;
  private static final int LPM_TRIE = 11;
  private static final int NO_PREALLOC = 1;

  private final Libc libc = Libc.system();
  private final OpenDescriptors descriptors = new OpenDescriptors();
  private final Arena arena = Arena.ofConfined();
  private final MemorySegment key = arena.allocate(4, 8);
  private final MemorySegment value = arena.allocate(8, 8);

  @AfterEach
  void noLeak() {
    arena.close();
    descriptors.assertNoneLeaked();
  }

  private BpfMap hash(int maxEntries) {
    return BpfMap.create(
        libc, new MapSpec("hash", HASH, new MapSpec.Sizes(4, 8, maxEntries), NO_PREALLOC));
  }

  private void put(BpfMap map, int k, long v, long flags) {
    key.set(JAVA_INT, 0, k);
    value.set(JAVA_LONG, 0, v);
    map.put(key, value, flags);
  }

  private Map<Integer, Long> all(BpfMap map) {
    Map<Integer, Long> seen = new TreeMap<>();
    map.forEach(
        (k, v) -> assertEquals(null, seen.put(k.get(JAVA_INT, 0), v.get(JAVA_LONG, 0)), "once"));
    return seen;
  }

  @Test
  void putGetRemove() {
    try (BpfMap map = hash(8)) {
      key.set(JAVA_INT, 0, 5);
      assertFalse(map.get(key, value));
      put(map, 5, 50, BpfMap.NO_EXIST);
      value.fill((byte) 0);
      assertTrue(map.get(key, value));
      assertEquals(50, value.get(JAVA_LONG, 0));
      KernelException there =
          assertThrows(KernelException.class, () -> put(map, 5, 51, BpfMap.NO_EXIST));
      assertEquals(Errno.EEXIST, there.errno());
      KernelException missing =
          assertThrows(KernelException.class, () -> put(map, 6, 60, BpfMap.EXIST));
      assertEquals(Errno.ENOENT, missing.errno());
      key.set(JAVA_INT, 0, 5);
      assertTrue(map.remove(key));
      assertFalse(map.remove(key));
      assertEquals(Map.of(), all(map));
    }
  }

  @Test
  void aFullMapSaysSo() {
    try (BpfMap map = hash(2);
        BpfMap trie =
            BpfMap.create(
                libc, new MapSpec("trie", LPM_TRIE, new MapSpec.Sizes(8, 8, 1), NO_PREALLOC))) {
      put(map, 1, 1, BpfMap.ANY);
      put(map, 2, 2, BpfMap.ANY);
      KernelException e = assertThrows(KernelException.class, () -> put(map, 3, 3, BpfMap.ANY));
      assertEquals(Errno.E2BIG, e.errno());
      assertTrue(e.getMessage().contains("map hash"), e.getMessage());
      assertTrue(e.getMessage().contains("the map is full: it takes 2 entries"), e.getMessage());

      MemorySegment prefix = prefix(0, 0x0a000000);
      trie.put(prefix, value, BpfMap.ANY);
      e =
          assertThrows(
              KernelException.class, () -> trie.put(prefix(8, 0x0a000000), value, BpfMap.ANY));
      assertEquals(Errno.ENOSPC, e.errno());
      assertTrue(e.getMessage().contains("the map is full: it takes 1 entries"), e.getMessage());
    }
  }

  private MemorySegment prefix(int length, int address) {
    MemorySegment segment = arena.allocate(8, 8);
    segment.set(JAVA_INT, 0, length);
    segment
        .asSlice(4)
        .copyFrom(MemorySegment.ofArray(ByteBuffer.allocate(4).putInt(address).array()));
    return segment;
  }

  @Test
  void theLongestPrefixWins() {
    try (BpfMap trie =
        BpfMap.create(
            libc, new MapSpec("trie", LPM_TRIE, new MapSpec.Sizes(8, 8, 8), NO_PREALLOC))) {
      value.set(JAVA_LONG, 0, 16);
      trie.put(prefix(16, 0x0af40000), value, BpfMap.ANY);
      value.set(JAVA_LONG, 0, 24);
      trie.put(prefix(24, 0x0af40200), value, BpfMap.ANY);
      assertTrue(trie.get(prefix(32, 0x0af40203), value));
      assertEquals(24, value.get(JAVA_LONG, 0));
      assertTrue(trie.get(prefix(32, 0x0af40303), value));
      assertEquals(16, value.get(JAVA_LONG, 0));
      assertFalse(trie.get(prefix(32, 0x0a000000), value));
      int[] count = {0};
      trie.forEach((k, v) -> count[0]++);
      assertEquals(2, count[0]);
    }
  }

  @Test
  void batchesWriteAndRemoveAll() {
    int count = 1000;
    MemorySegment keys = arena.allocate(8L * count, 8);
    MemorySegment values = arena.allocate(8L * count, 8);
    MapSpec[] specs = {
      new MapSpec("hash", HASH, new MapSpec.Sizes(8, 8, 2000), NO_PREALLOC),
      new MapSpec("trie", LPM_TRIE, new MapSpec.Sizes(8, 8, 2000), NO_PREALLOC),
    };
    for (MapSpec spec : specs) {
      for (int i = 0; i < count; i++) {
        keys.asSlice(8L * i, 8).copyFrom(prefix(32, i << 4));
        values.setAtIndex(JAVA_LONG, i, i);
      }
      try (BpfMap map = BpfMap.create(libc, spec)) {
        map.putAll(keys, values, count);
        map.putAll(keys, values, count);
        long[] sum = {0, 0};
        map.forEach((k, v) -> {
          sum[0]++;
          sum[1] += v.get(JAVA_LONG, 0);
        });
        assertEquals(1000, sum[0], spec.name());
        assertEquals(499_500, sum[1], spec.name());
        key.set(JAVA_INT, 0, 0);
        map.remove(keys.asSlice(80, 8)); // a hole in the middle does not stop the rest
        map.removeAll(keys, count);
        map.forEach((k, v) -> sum[0]--);
        assertEquals(1000, sum[0], spec.name());
        map.putAll(keys, values, 0);
        map.removeAll(keys, 0);
      }
    }
  }

  @Test
  void aBatchThatDoesNotFitSaysHowMuchWasWritten() {
    int count = 10;
    MemorySegment keys = arena.allocate(4L * count, 8);
    MemorySegment values = arena.allocate(8L * count, 8);
    for (int i = 0; i < count; i++) {
      keys.setAtIndex(JAVA_INT, i, i);
    }
    try (BpfMap map = hash(6)) {
      KernelException e =
          assertThrows(KernelException.class, () -> map.putAll(keys, values, count));
      assertTrue(e.getMessage().contains("entry 7 of 10; 6 are written"), e.getMessage());
      assertTrue(e.getMessage().contains("the map is full"), e.getMessage());
      assertEquals(6, all(map).size());
    }
  }

  @Test
  void perCpuValuesHaveOneSlotForEachCpu() {
    int cpus = Runtime.getRuntime().availableProcessors();
    MapSpec spec = new MapSpec("per_cpu", PERCPU_HASH, new MapSpec.Sizes(4, 4, 8), NO_PREALLOC);
    try (BpfMap map = BpfMap.create(libc, spec)) {
      assertEquals(0, map.valueSlotBytes() % 8);
      assertTrue(map.valueSlotBytes() >= 8 * cpus);
      MemorySegment slots = arena.allocate(map.valueSlotBytes(), 8);
      for (int i = 0; i < map.valueSlotBytes() / 8; i++) {
        slots.set(JAVA_INT, 8L * i, 100 + i);
      }
      map.put(key, slots, BpfMap.ANY);
      slots.fill((byte) 0);
      assertTrue(map.get(key, slots));
      assertEquals(100, slots.get(JAVA_INT, 0));
      assertEquals(101, slots.get(JAVA_INT, 8));
      map.putAll(key, slots, 1);
    }
  }

  @Test
  void arraysHaveAllTheirEntries() {
    try (BpfMap map =
        BpfMap.create(libc, new MapSpec("array", ARRAY, new MapSpec.Sizes(4, 8, 3), 0))) {
      put(map, 1, 7, BpfMap.ANY);
      assertEquals(Map.of(0, 0L, 1, 7L, 2, 0L), all(map));
    }
  }

  @Test
  void theVisitorMayRemoveWhatItSees() {
    try (BpfMap map = hash(100)) {
      for (int i = 0; i < 100; i++) {
        put(map, i, i, BpfMap.ANY);
      }
      int[] count = {0};
      map.forEach((k, v) -> {
        count[0]++;
        map.remove(k);
      });
      assertEquals(100, count[0]);
      assertEquals(Map.of(), all(map));
    }
  }

  @Test
  void segmentsOfAnotherSizeAreRefusedBeforeTheKernelReadsThem() {
    try (BpfMap map = hash(1)) {
      MemorySegment small = arena.allocate(3);
      assertThrows(IllegalArgumentException.class, () -> map.get(small, value));
      assertThrows(IllegalArgumentException.class, () -> map.put(key, small, BpfMap.ANY));
      assertThrows(IllegalArgumentException.class, () -> map.putAll(key, value, 2));
      assertThrows(IllegalArgumentException.class, () -> map.removeAll(key, -1));
      IllegalArgumentException e =
          assertThrows(
              IllegalArgumentException.class, () -> map.remove(MemorySegment.ofArray(new byte[4])));
      assertTrue(e.getMessage().contains("heap segment"), e.getMessage());
    }
  }

  @Test
  void aClosedMapSaysSo() {
    BpfMap map = hash(1);
    map.close();
    map.close();
    assertThrows(IllegalStateException.class, () -> map.get(key, value));
  }
}
