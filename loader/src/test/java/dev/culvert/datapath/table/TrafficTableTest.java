// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.culvert.datapath.Change;
import dev.culvert.datapath.Counter;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Traffic;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Who is counted under which number, and that nobody inherits another's counters. */
class TrafficTableTest {
  private static final int CPUS = 2;
  private static final Vtep LOCAL = vtep(1);

  private final MemoryMap subnets4 = new MemoryMap("subnets4", 12, 136, 100);
  private final MemoryMap subnets6 = new MemoryMap("subnets6", 24, 136, 100);

  /** Room for two VTEPs: number 0 is nobody's. */
  private final MemoryMap counters = new MemoryMap("vtep_traffic", 4, CPUS * 32, 3);

  private final TrafficTable traffic = new TrafficTable(counters);
  private final MemoryMap vteps = new MemoryMap("vteps", 16, 8, 100);
  private VtepTable vtepTable;
  private SubnetTable table;

  @BeforeEach
  void start() {
    vtepTable = new VtepTable(vteps, new MemoryMap("paths", 4, 16, 100), traffic);
    ExactSubnets exact =
        new ExactSubnets(
            new MemoryMap("exact4", 8, 136, 100),
            new MemoryMap("exact6", 20, 136, 100),
            new MemoryMap("masks", 4, 24, 1));
    table = new SubnetTable(subnets4, subnets6, exact, vtepTable);
  }

  private static Vtep vtep(int number) {
    return new Vtep(
        IpPrefix.parseAddress("10.18.2." + number), 4789, MacAddress.parse("02:00:00:00:00:01"));
  }

  private static Subnet subnet(int number) {
    return new Subnet(new Vni(1), IpPrefix.parse("10.244." + number + ".0/24"));
  }

  private void put(int subnet, int vtep) {
    Change put =
        new Change.PutRemote(
            new RemoteSubnet(subnet(subnet), LOCAL, vtep(vtep), Optional.empty(), false));
    assertEquals(List.of(), table.apply(List.of(put)));
  }

  private void remove(int subnet) {
    assertEquals(List.of(), table.apply(List.of(new Change.RemoveSubnet(subnet(subnet)))));
  }

  /** As the programs would: on each CPU, one packet and `bytes` more sent, two packets received. */
  private void count(int id, long bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment key = arena.allocateFrom(ValueLayout.JAVA_INT, id);
      MemorySegment slots = arena.allocate(CPUS * 32, 8);
      assertEquals(true, counters.get(key, slots));
      for (int cpu = 0; cpu < CPUS; cpu++) {
        add(slots, cpu * 4L, 1);
        add(slots, cpu * 4L + 1, bytes);
        add(slots, cpu * 4L + 2, 2);
        add(slots, cpu * 4L + 3, 2 * bytes);
      }
      counters.put(key, slots);
    }
  }

  private static void add(MemorySegment slots, long index, long more) {
    slots.setAtIndex(
        ValueLayout.JAVA_LONG, index, slots.getAtIndex(ValueLayout.JAVA_LONG, index) + more);
  }

  private Map<Object, Traffic> read() {
    return Map.copyOf(vtepTable.traffic());
  }

  private static Traffic traffic(long sent, long sentBytes, long received, long receivedBytes) {
    return new Traffic(new Counter(sent, sentBytes), new Counter(received, receivedBytes));
  }

  @Test
  void addsUpWhatEachCpuCounted() {
    put(2, 2);
    put(3, 3);
    count(1, 100);
    count(2, 1000);
    count(2, 1000);
    assertEquals(
        Map.of(
            vtep(2).address(), traffic(2, 200, 4, 400),
            vtep(3).address(), traffic(4, 4000, 8, 8000)),
        read());
  }

  @Test
  void aVtepKeepsItsNumberWhileAnySubnetIsBehindIt() {
    put(2, 2);
    put(3, 2);
    count(1, 100);
    remove(2);
    put(3, 2);
    assertEquals(Map.of(vtep(2).address(), traffic(2, 200, 4, 400)), read());
  }

  @Test
  void aNumberThatIsGivenAwayAgainBeginsAtZero() {
    put(2, 2);
    count(1, 100);
    remove(2);
    put(3, 3);
    assertEquals(Map.of(vtep(3).address(), Traffic.NONE), read());

    // A subnet that moves to another VTEP takes no number along either.
    count(1, 100);
    put(3, 4);
    assertEquals(Map.of(vtep(4).address(), Traffic.NONE), read());
  }

  @Test
  void numbersSurviveARestart() {
    put(2, 2);
    put(3, 3);
    count(2, 7);
    start();
    put(3, 3);
    put(4, 3);
    assertEquals(
        Map.of(vtep(2).address(), Traffic.NONE, vtep(3).address(), traffic(2, 14, 4, 28)), read());
  }

  @Test
  void whoComesWhenAllNumbersAreGivenAwayIsCarriedButNotCounted() {
    put(2, 2);
    put(3, 3);
    put(4, 4);
    assertEquals(3, subnets4.hex().size());
    assertEquals(Traffic.NONE, read().get(vtep(4).address()));
    assertEquals(2, counters.hex().size());

    remove(2);
    put(5, 5);
    count(1, 5);
    assertEquals(traffic(2, 10, 4, 20), read().get(vtep(5).address()));
  }
}
