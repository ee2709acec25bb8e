// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import dev.culvert.kernel.BpfMap;
import dev.culvert.kernel.BpfObject;
import dev.culvert.kernel.BpfObjectSpec;
import dev.culvert.kernel.Libc;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Prints what our programs cost for one packet, as the kernel measures it (BPF_PROG_TEST_RUN with
 * repeats), without any device. The programs of bpf/cost/cost.bpf.c end with the packet that they
 * began with; running them costs something by itself, which is taken off.
 */
public final class ProgramCost {
  private static final String OBJECT = "dev/culvert/bench/cost.bpf.o";
  private static final int REPEAT = 200_000;
  private static final int ROUNDS = 15;

  /** BPF_PROG_TEST_RUN runs tc programs on the loopback device; nothing is sent. */
  private static final int LOOPBACK = 1;

  private static final int TC_ACT_OK = 0;

  private static final Vni SENT = new Vni(1);

  /** The network as the other host sees it; see {@link #fill}. */
  private static final Vni RECEIVED = new Vni(3);

  private static final MacAddress MAC = MacAddress.parse("02:aa:00:00:00:01");
  private static final MacAddress CONTAINER = MacAddress.parse("02:00:00:00:01:02");

  private record Program(String name, String what) {}

  /** Each makes room for the outer headers once and gives it back once. */
  private static final List<Program> PROGRAMS =
      List.of(
          new Program("cost_encapsulate", "from_container for another host"),
          new Program("cost_round_trip", "from_container, then from_underlay on what came out"));

  private ProgramCost() {}

  public static void main(String[] args) throws IOException {
    try (InputStream in = ProgramCost.class.getClassLoader().getResourceAsStream(OBJECT);
        BpfObject object =
            BpfObject.load(
                Libc.system(), BpfObjectSpec.parse(in.readAllBytes(), OBJECT), Map.of())) {
      fill(object);
      System.out.println("Cost of one packet in ns, median of " + ROUNDS + " runs:");
      for (int bytes : new int[] {64, 1450}) {
        print(object, packet(bytes));
      }
    }
  }

  private static void print(BpfObject object, byte[] packet) {
    int nothing = medianNs(object, "cost_nothing", packet);
    int room = medianNs(object, "cost_room", packet) - nothing;
    for (Program program : PROGRAMS) {
      int all = medianNs(object, program.name(), packet) - nothing;
      System.out.printf(
          "%6d, of which %4d in the kernel's bpf_skb_adjust_room: %s, %d bytes%n",
          all, room, program.what(), packet.length);
    }
  }

  /**
   * Two hosts in one set of tables. A packet of network {@link #SENT} meets an entry whose header
   * names {@link #RECEIVED}; in that network its destination is a container of this host, and its
   * source's subnet belongs to the outer source.
   */
  private static void fill(BpfObject object) {
    Tables tables = Tables.of(object::map);
    Change there = remote("10.244.2.0/24", "10.17.2.2", "10.18.2.2");
    Change back = remote("10.244.1.0/24", "10.18.2.2", "10.17.2.2");
    List<Datapath.Failure> failures = tables.subnets().apply(List.of(there, back));
    if (!failures.isEmpty()) {
      throw new IllegalStateException(failures.toString());
    }
    copyEntry(object.map("subnets4"), IpPrefix.parse("10.244.2.0/24"));
    tables.vteps().setSelf(IpPrefix.parseAddress("10.18.2.2"));
    // The round trip ends with the receiver's MACs, and has to look like the sender's again.
    tables.endpoints().allowEndpoint(endpoint(SENT, "10.244.1.2", CONTAINER, MAC));
    tables.endpoints().put(endpoint(RECEIVED, "10.244.2.4", MAC, CONTAINER));
  }

  private static void copyEntry(BpfMap subnets, IpPrefix prefix) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment key = arena.allocate(subnets.keyBytes(), 8);
      MemorySegment value = arena.allocate(subnets.valueSlotBytes(), 8);
      SubnetTable.encodeKey(new Subnet(RECEIVED, prefix), key);
      if (!subnets.get(key, value)) {
        throw new IllegalStateException("The entry of " + prefix + " is not there.");
      }
      SubnetTable.encodeKey(new Subnet(SENT, prefix), key);
      subnets.put(key, value, BpfMap.ANY);
    }
  }

  private static Change remote(String subnet, String local, String remote) {
    NextHop hop =
        new NextHop(
            LOOPBACK, IpPrefix.parseAddress(local), IpPrefix.parseAddress(remote), 1500, false);
    return new Change.PutRemote(
        new RemoteSubnet(
            new Subnet(RECEIVED, IpPrefix.parse(subnet)),
            new Vtep(IpPrefix.parseAddress(local), 4789, MAC),
            new Vtep(IpPrefix.parseAddress(remote), 4789, MAC),
            Optional.of(hop),
            false));
  }

  private static Endpoint endpoint(Vni vni, String address, MacAddress mac, MacAddress hostMac) {
    return new Endpoint(vni, IpPrefix.parseAddress(address), LOOPBACK, true, mac, hostMac);
  }

  /** UDP from 10.244.1.2 to 10.244.2.4, TTL 64, to the loopback device's MAC. */
  private static byte[] packet(int ipBytes) {
    ByteBuffer out = ByteBuffer.allocate(14 + ipBytes);
    out.put(new byte[6]).put(CONTAINER.toBytes()).putShort((short) 0x0800);
    out.putShort((short) 0x4500).putShort((short) ipBytes).putInt(0);
    out.putInt((64 << 24) | (17 << 16)).putInt(0x0af4_0102).putInt(0x0af4_0204);
    int sum = 0;
    for (int i = 14; i < 34; i += 2) {
      sum += out.getShort(i) & 0xffff;
    }
    out.putShort(24, (short) ~(sum + (sum >>> 16)));
    out.putShort((short) 40000).putShort((short) 9).putShort((short) (ipBytes - 20));
    return out.array();
  }

  private static int medianNs(BpfObject object, String program, byte[] packet) {
    int[] ns = new int[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
      var run = object.program(program).testRun(packet, new byte[0], REPEAT);
      if (run.returnValue() != TC_ACT_OK) {
        throw new IllegalStateException(
            program + " gave " + run.returnValue() + " and so did not do what it measures.");
      }
      ns[i] = run.durationNs();
    }
    Arrays.sort(ns);
    return ns[ROUNDS / 2];
  }
}
