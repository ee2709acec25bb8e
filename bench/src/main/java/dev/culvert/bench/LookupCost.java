// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench;

import dev.culvert.bench.ResultTable.Row;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfMap;
import dev.culvert.kernel.bpf.BpfObject;
import dev.culvert.kernel.bpf.BpfObjectSpec;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What finding a subnet costs in each kind of map (bpf/cost/lookup.bpf.c), as the kernel measures
 * it. The ways take turns, so that the machine's moods meet all of them.
 */
public final class LookupCost {
  private static final String OBJECT = "dev/culvert/bench/lookup.bpf.o";

  /** LOOKUPS in lookup.bpf.c. */
  private static final int LOOKUPS = 64;

  /** Where struct __sk_buff has its mark. */
  private static final int MARK_OFFSET = 8;

  private static final int CONTEXT_BYTES = 192;
  private static final byte[] PACKET = new byte[64];

  /** The programs, and what they are called in the table. */
  private static final Map<String, String> WAYS = new LinkedHashMap<>();

  static {
    WAYS.put("lookup_lpm4", "LPM trie");
    WAYS.put("lookup_exact4", "hash");
    WAYS.put("lookup_exact4_preallocated", "hash, preallocated");
    WAYS.put("lookup_miss_then_lpm4", "hash that misses, then LPM");
    WAYS.put("lookup_numbered", "array by subnet number");
    WAYS.put("lookup_lpm6", "LPM trie, IPv6");
    WAYS.put("lookup_exact6", "hash, IPv6");
  }

  /** So many subnets, of which so many are asked for in turn. */
  private record Case(int subnets, int asked) {
    String heading() {
      return "%,d subnets%s".formatted(subnets, asked == 1 ? "" : ", all asked");
    }
  }

  private static final List<Case> CASES =
      List.of(
          new Case(1, 1),
          new Case(1024, 1),
          new Case(65536, 1),
          new Case(1024, 1024),
          new Case(65536, 65536));

  private LookupCost() {}

  /**
   * Measures every way in every case.
   *
   * @param repeat how often a program runs for one measurement
   */
  public static ResultTable measure(int rounds, int repeat) {
    Map<Integer, BpfObject> objects = new LinkedHashMap<>();
    try {
      for (Case each : CASES) {
        objects.computeIfAbsent(each.subnets(), LookupCost::load);
      }
      double[][][] ns = new double[WAYS.size()][CASES.size()][rounds];
      for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < CASES.size(); i++) {
          BpfObject object = objects.get(CASES.get(i).subnets());
          int asked = CASES.get(i).asked();
          double nothing = runNs(object, "lookup_nothing", asked, repeat);
          int way = 0;
          for (String program : WAYS.keySet()) {
            ns[way++][i][round] = (runNs(object, program, asked, repeat) - nothing) / LOOKUPS;
          }
        }
      }
      return table(ns);
    } finally {
      objects.values().forEach(BpfObject::close);
    }
  }

  private static ResultTable table(double[][][] ns) {
    List<Row> rows = new ArrayList<>();
    int way = 0;
    for (String name : WAYS.values()) {
      List<Optional<Spread>> cells = new ArrayList<>();
      for (double[] measured : ns[way++]) {
        cells.add(Optional.of(Spread.of(measured)));
      }
      rows.add(new Row(List.of(name), cells));
    }
    return new ResultTable(
        "One lookup of a subnet, ns: median [quartiles]",
        List.of("map"),
        CASES.stream().map(Case::heading).toList(),
        rows);
  }

  private static BpfObject load(int subnets) {
    try (InputStream in = LookupCost.class.getClassLoader().getResourceAsStream(OBJECT)) {
      BpfObject object =
          BpfObject.load(Libc.system(), BpfObjectSpec.parse(in.readAllBytes(), OBJECT), Map.of());
      fill(object, subnets);
      return object;
    } catch (IOException e) {
      throw new IllegalStateException(OBJECT + " could not be read.", e);
    }
  }

  private static double runNs(BpfObject object, String program, int asked, int repeat) {
    byte[] context =
        ByteBuffer.allocate(CONTEXT_BYTES)
            .order(ByteOrder.nativeOrder())
            .putInt(MARK_OFFSET, asked - 1)
            .array();
    var run = object.program(program).testRun(PACKET, context, repeat);
    if (run.returnValue() != 0) {
      throw new IllegalStateException(program + " did not find every subnet.");
    }
    return run.durationNs();
  }

  private static void fill(BpfObject object, int subnets) {
    for (int i = 0; i < subnets; i++) {
      byte[] ipv4 = {10, (byte) (i >> 8), (byte) i, 0};
      byte[] ipv6 = new byte[16];
      ByteBuffer.wrap(ipv6).putInt(0x2001_0db8).putInt(i);
      put(object.map("subnets4"), key(32 + 24, ipv4));
      put(object.map("exact4"), key(0, ipv4));
      put(object.map("exact4_preallocated"), key(0, ipv4));
      put(object.map("subnets6"), key(32 + 64, ipv6));
      put(object.map("exact6"), key(0, ipv6));
      put(
          object.map("numbered"),
          ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(i).array());
    }
  }

  /** Network 1 and the address; for an LPM trie, the prefix length in front. */
  private static byte[] key(int prefixLength, byte[] address) {
    ByteBuffer key = ByteBuffer.allocate((prefixLength > 0 ? 8 : 4) + address.length);
    if (prefixLength > 0) {
      key.order(ByteOrder.nativeOrder()).putInt(prefixLength).order(ByteOrder.BIG_ENDIAN);
    }
    return key.putInt(1).put(address).array();
  }

  /** An entry whose flags are 1: the programs add them up. */
  private static void put(BpfMap map, byte[] key) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment k = arena.allocate(key.length, 8);
      MemorySegment v = arena.allocate(map.valueSlotBytes(), 8);
      k.copyFrom(MemorySegment.ofArray(key));
      v.set(ValueLayout.JAVA_INT, 0, 1);
      map.put(k, v, BpfMap.ANY);
    }
  }
}
