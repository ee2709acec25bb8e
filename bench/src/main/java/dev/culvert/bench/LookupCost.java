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
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Prints what finding a subnet costs in each kind of map (bpf/cost/lookup.bpf.c), as the kernel
 * measures it. The ways take turns, so that the machine's moods meet all of them.
 */
public final class LookupCost {
  private static final String OBJECT = "dev/culvert/bench/lookup.bpf.o";

  /** LOOKUPS in lookup.bpf.c. */
  private static final int LOOKUPS = 64;

  private static final int REPEAT = 4000;
  private static final int ROUNDS = 25;
  private static final int FLAGS = 1;
  private static final byte[] PACKET = new byte[64];

  private static final List<String> WAYS =
      List.of(
          "lpm4", "exact4", "exact4_preallocated", "miss_then_lpm4", "numbered", "lpm6", "exact6");

  private LookupCost() {}

  public static void main(String[] args) throws IOException {
    System.out.println(
        "ns for one lookup of a subnet, median [lowest..highest] of "
            + ROUNDS
            + " rounds in turns");
    System.out.printf("%8s %7s", "subnets", "asked");
    WAYS.forEach(way -> System.out.printf(" %22s", way));
    System.out.println();
    for (int subnets : new int[] {1, 1024, 65536}) {
      try (BpfObject object = load()) {
        fill(object, subnets);
        print(object, subnets, 1);
        if (subnets > 1) {
          print(object, subnets, subnets);
        }
      }
    }
  }

  private static BpfObject load() throws IOException {
    try (InputStream in = LookupCost.class.getClassLoader().getResourceAsStream(OBJECT)) {
      return BpfObject.load(
          Libc.system(), BpfObjectSpec.parse(in.readAllBytes(), OBJECT), Map.of());
    }
  }

  private static void print(BpfObject object, int subnets, int asked) {
    double[][] ns = new double[WAYS.size()][ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
      double nothing = runNs(object, "nothing", asked);
      for (int way = 0; way < WAYS.size(); way++) {
        ns[way][round] = (runNs(object, WAYS.get(way), asked) - nothing) / LOOKUPS;
      }
    }
    System.out.printf("%8d %7d", subnets, asked);
    for (double[] each : ns) {
      Arrays.sort(each);
      System.out.printf(
          " %22s", "%.1f [%.1f..%.1f]".formatted(each[ROUNDS / 2], each[0], each[ROUNDS - 1]));
    }
    System.out.println();
  }

  private static double runNs(BpfObject object, String way, int asked) {
    byte[] context =
        ByteBuffer.allocate(192).order(ByteOrder.nativeOrder()).putInt(8, asked - 1).array();
    var run = object.program("lookup_" + way).testRun(PACKET, context, REPEAT);
    if (run.returnValue() != 0) {
      throw new IllegalStateException("lookup_" + way + " missed entries.");
    }
    return run.durationNs();
  }

  private static void fill(BpfObject object, int subnets) {
    for (int i = 0; i < subnets; i++) {
      byte[] address4 = {10, (byte) (i >> 8), (byte) i, 0};
      byte[] address6 = {
        0x20, 1, 0x0d, (byte) 0xb8, 0, 0, (byte) (i >> 8), (byte) i, 0, 0, 0, 0, 0, 0, 0, 0
      };
      put(object.map("subnets4"), key(56, address4));
      put(object.map("exact4"), key(0, address4));
      put(object.map("exact4_preallocated"), key(0, address4));
      put(object.map("subnets6"), key(32 + 64, address6));
      put(object.map("exact6"), key(0, address6));
      put(
          object.map("numbered"),
          ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(i).array());
    }
  }

  private static byte[] key(int prefixLength, byte[] address) {
    ByteBuffer key = ByteBuffer.allocate((prefixLength > 0 ? 8 : 4) + address.length);
    if (prefixLength > 0) {
      key.order(ByteOrder.nativeOrder()).putInt(prefixLength).order(ByteOrder.BIG_ENDIAN);
    }
    return key.putInt(1).put(address).array();
  }

  private static void put(BpfMap map, byte[] key) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment k = arena.allocate(key.length, 8);
      MemorySegment v = arena.allocate(map.valueSlotBytes(), 8);
      k.copyFrom(MemorySegment.ofArray(key));
      v.set(ValueLayout.JAVA_INT, 0, FLAGS);
      map.put(k, v, BpfMap.ANY);
    }
  }
}
