// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench;

import dev.culvert.kernel.BpfMap;
import dev.culvert.kernel.BpfObject;
import dev.culvert.kernel.BpfObjectSpec;
import dev.culvert.kernel.Libc;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One bpf(2) call from Java, by raw bytes: what the kernel's maps cost before any of our own work.
 * Times are for one entry, also in batches.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
public class MapUpdateBenchmark {
  static final int ENTRIES = 1000;

  private static final String OBJECT = "dev/culvert/bpf/culvert.bpf.o";
  private static final ValueLayout.OfInt BIG_ENDIAN_INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

  /** A /24 of one network in an LPM key: 32 bits of VNI and 24 of address. */
  private static final int PREFIX_BITS = 56;

  /** endpoints4 is a hash map of 8-byte keys, subnets4 an LPM trie of 12-byte keys. */
  @Param({"endpoints4", "subnets4"})
  public String map;

  private BpfObject object;
  private BpfMap target;
  private MemorySegment keys;
  private MemorySegment values;
  private MemorySegment[] key;
  private MemorySegment[] value;
  private int next;

  @Setup
  public void load() throws IOException {
    object = BpfObject.load(Libc.system(), prebuilt(), Map.of());
    target = object.map(map);
    long keyBytes = target.keyBytes();
    long valueBytes = target.valueSlotBytes();
    keys = Arena.ofAuto().allocate(keyBytes * ENTRIES, 8);
    values = Arena.ofAuto().allocate(valueBytes * ENTRIES, 8);
    key = new MemorySegment[ENTRIES];
    value = new MemorySegment[ENTRIES];
    for (int i = 0; i < ENTRIES; i++) {
      key[i] = keys.asSlice(i * keyBytes, keyBytes);
      value[i] = values.asSlice(i * valueBytes, valueBytes);
      fillKey(key[i], i);
    }
    target.putAll(keys, values, ENTRIES);
  }

  private static BpfObjectSpec prebuilt() throws IOException {
    try (InputStream in = MapUpdateBenchmark.class.getClassLoader().getResourceAsStream(OBJECT)) {
      return BpfObjectSpec.parse(in.readAllBytes(), OBJECT);
    }
  }

  /** Network 1 and 10.N.N.0, preceded by the prefix length where the key has room for one. */
  private static void fillKey(MemorySegment key, int number) {
    long last = key.byteSize() - Integer.BYTES;
    if (key.byteSize() == 3 * Integer.BYTES) {
      key.set(ValueLayout.JAVA_INT_UNALIGNED, 0, PREFIX_BITS);
    }
    key.set(BIG_ENDIAN_INT, last - Integer.BYTES, 1);
    key.set(BIG_ENDIAN_INT, last, (10 << 24) | (number << 8));
  }

  @TearDown
  public void close() {
    object.close();
  }

  private int advance() {
    next = next + 1 == ENTRIES ? 0 : next + 1;
    return next;
  }

  @Benchmark
  public boolean get() {
    int i = advance();
    return target.get(key[i], value[i]);
  }

  @Benchmark
  public void put() {
    int i = advance();
    target.put(key[i], value[i], BpfMap.ANY);
  }

  @Benchmark
  @OperationsPerInvocation(ENTRIES)
  public void putAll() {
    target.putAll(keys, values, ENTRIES);
  }
}
