// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.Verdict;
import dev.culvert.kernel.bpf.BpfMap;
import dev.culvert.kernel.bpf.BpfObjectSpec;
import dev.culvert.kernel.bpf.TestRunner;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** {@link PacketWorld} for many packets: runs them, and holds what happened against the oracle. */
final class FuzzWorld implements AutoCloseable {
  /** struct counter of maps.h: packets and bytes. */
  private static final int COUNTER_BYTES = 16;

  /** Who meets a packet. */
  enum Program {
    FROM_CONTAINER("from_container"),
    FROM_HOST("from_host"),
    FROM_UNDERLAY("from_underlay"),
    /** from_tunnel, with a tunnel key that the test gives. */
    FROM_TUNNEL("fuzz_tunnel"),
    /** strip_at_xdp, and from_underlay on what it stripped. */
    XDP("strip_at_xdp");

    private final String function;

    Program(String function) {
      this.function = function;
    }
  }

  /** The kernel does not run programs on this packet. */
  static final class Refused extends Exception {
    private static final long serialVersionUID = 1;
  }

  /** Offsets in struct __sk_buff (linux/bpf.h), which has 192 bytes. */
  private static final int MARK = 8;

  private static final int CB = 48;
  private static final int GSO_SIZE = 176;
  private static final int CONTEXT_BYTES = 192;
  private static final int MAX_PACKET_BYTES = 4096;
  private static final int FLOWS = 1 << 20;

  private static final Set<Verdict> ANSWERED =
      EnumSet.of(
          Verdict.DROPPED_TOO_BIG,
          Verdict.DROPPED_UNREACHABLE,
          Verdict.DROPPED_NO_ENDPOINT,
          Verdict.DROPPED_NO_SUBNET);

  private static final int XDP_PASS = 2;
  private static final ValueLayout.OfInt BIG_ENDIAN_INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

  /** The VTEP that FROM_TUNNEL's packets come from, by the last byte of the packet. */
  private static final InetAddress[] SOURCES = {
    WorldTables.address("10.18.2.2"),
    WorldTables.address("10.17.2.3"),
    WorldTables.address("10.19.2.2"),
    WorldTables.address("fd00:18::2"),
  };

  private final PacketWorld world;
  private final PacketOracle oracle = new PacketOracle();
  private final OutputOracle outputs = new OutputOracle();
  private final TestRunner tc = new TestRunner(MAX_PACKET_BYTES, CONTEXT_BYTES);
  private final TestRunner xdp = new TestRunner(MAX_PACKET_BYTES, 0);
  private final Arena arena = Arena.ofConfined();
  private final BpfMap counters;
  private final MemorySegment key = arena.allocate(4, 4);
  private final MemorySegment slots;
  private final Map<Verdict, Long> counted = new EnumMap<>(Verdict.class);
  private final boolean sumsAreChecked;

  private FuzzWorld(PacketWorld world) {
    this.world = world;
    this.sumsAreChecked =
        PacketSums.areChecked(world.program("from_tunnel"), GoldenPacket.all().getFirst().in());
    this.counters = world.map("counters");
    this.slots = arena.allocate(counters.valueSlotBytes(), 8);
    for (Verdict verdict : Verdict.values()) {
      counted.put(verdict, packets(verdict));
    }
  }

  static FuzzWorld load() throws IOException {
    try (InputStream in = FuzzWorld.class.getResourceAsStream("fuzz.bpf.o")) {
      BpfObjectSpec spec = BpfObjectSpec.parse(in.readAllBytes(), "fuzz.bpf.o");
      // What a router says of a way is forgotten at once, and no flow for lack of room: packets may
      // change each other's fate only as the oracle knows.
      return new FuzzWorld(
          PacketWorld.load(
              spec.withGlobal("path_mtu_lifetime_ns", 0).withMaxEntries("flows", FLOWS)));
    }
  }

  /** What is wrong with what the program does to the packet; empty when all is as it must be. */
  Optional<String> complaint(Program program, byte[] packet, int gsoBytes) throws Refused {
    return switch (program) {
      case FROM_CONTAINER -> run(program, packet, gsoBytes, oracle.fromContainer(packet, gsoBytes));
      case FROM_HOST -> run(program, packet, gsoBytes, oracle.fromHost(packet, gsoBytes));
      case FROM_UNDERLAY -> run(program, packet, gsoBytes, oracle.fromUnderlay(packet, gsoBytes));
      case FROM_TUNNEL -> unwrapped(packet);
      case XDP -> atXdp(packet);
    };
  }

  private Optional<String> unwrapped(byte[] packet) throws Refused {
    int last = packet[packet.length - 1] & 255;
    InetAddress source = SOURCES[last % SOURCES.length];
    int vni = last % 8 == 7 ? 3 : 1;
    byte[] bytes = source.getAddress();
    tc.context().set(BIG_ENDIAN_INT, CB, vni);
    MemorySegment.copy(bytes, 0, tc.context(), ValueLayout.JAVA_BYTE, CB + 4, bytes.length);
    tc.context().set(ValueLayout.JAVA_INT, MARK, bytes.length == 16 ? 6 : 4);
    try {
      return run(Program.FROM_TUNNEL, packet, 0, oracle.fromTunnel(packet, vni, source));
    } finally {
      tc.context().fill((byte) 0);
    }
  }

  private Optional<String> run(Program program, byte[] packet, int gsoBytes, Verdict expected)
      throws Refused {
    tc.context().set(ValueLayout.JAVA_INT, GSO_SIZE, gsoBytes);
    tc.sumPackets(sumsAreChecked && PacketSums.mustHold(packet, expected));
    boolean ran = tc.run(world.program(program.function), packet);
    tc.sumPackets(false);
    tc.context().set(ValueLayout.JAVA_INT, GSO_SIZE, 0);
    if (!ran) {
      throw new Refused();
    }
    return verdictIs(expected).or(() -> outputs.complaint(program, expected, packet, tc.packet()));
  }

  /** Whether the counter of that verdict, and the return value, say so. */
  private Optional<String> verdictIs(Verdict expected) {
    long now = packets(expected);
    long before = counted.put(expected, now);
    if (now != before + 1) {
      String moved = recount();
      return Optional.of("expected " + expected + ", but " + moved);
    }
    int action = OutputOracle.action(expected);
    // These may have become the answer to their sender: golden packets look at that.
    boolean answered =
        ANSWERED.contains(expected)
            && tc.returnValue() == OutputOracle.action(Verdict.ENCAPSULATED);
    return tc.returnValue() == action || answered
        ? Optional.empty()
        : Optional.of(expected + " returned " + tc.returnValue() + ", not " + action);
  }

  /**
   * At XDP a frame is stripped or left as it came. Stripped it must be what tc alone would deliver,
   * and become the same bytes.
   */
  private Optional<String> atXdp(byte[] frame) throws Refused {
    boolean multicast = (frame[0] & 1) != 0;
    byte[] ours = frame.clone();
    Arrays.fill(ours, 0, 6, (byte) 0); // XDP does not know whether a unicast address is this host's
    Verdict verdict = oracle.fromUnderlay(ours, 0);
    if (!xdp.run(world.program(Program.XDP.function), multicast ? frame : ours)) {
      throw new Refused();
    }
    byte[] after = xdp.packet();
    if (xdp.returnValue() != XDP_PASS) {
      return Optional.of("returned " + xdp.returnValue());
    }
    boolean strips =
        !multicast
            && verdict == Verdict.DECAPSULATED
            && !TagOracle.isTagged(ours) // a tag is tc's to judge
            && !OutputOracle.ecnMatters(ours);
    if (!strips) {
      return Arrays.equals(after, multicast ? frame : ours)
          ? Optional.empty()
          : Optional.of("was changed, though tc would say " + verdict);
    }
    byte[] byTc = outputs.expected(Program.FROM_UNDERLAY, verdict, ours);
    return OutputOracle.withoutMark(after)
        .map(rest -> delivered(rest, OutputOracle.vni(after), byTc))
        .orElse(Optional.of("was not stripped, though tc would deliver it"));
  }

  private Optional<String> delivered(byte[] stripped, int vni, byte[] expected) {
    tc.context().set(BIG_ENDIAN_INT, CB, vni);
    boolean ran = tc.run(world.program("fuzz_stripped"), stripped);
    tc.context().set(BIG_ENDIAN_INT, CB, 0);
    if (!ran) {
      return Optional.of("stripped, it is no packet");
    }
    return verdictIs(Verdict.DECAPSULATED)
        .or(() ->
            OutputOracle.sameButChecksumForm(expected, tc.packet(), 24)
                ? Optional.empty()
                : Optional.of("stripped at XDP, it is delivered as other bytes"));
  }

  /** Nothing may have been counted but what was expected. */
  void requireAllCounted() {
    for (Verdict verdict : Verdict.values()) {
      if (packets(verdict) != counted.get(verdict)) {
        throw new AssertionError("A packet was counted twice: " + recount());
      }
    }
  }

  /** How many packets met each verdict. */
  Map<Verdict, Long> seen() {
    return counted;
  }

  private String recount() {
    StringBuilder moved = new StringBuilder("counted was");
    for (Verdict verdict : Verdict.values()) {
      long now = packets(verdict);
      if (now != counted.put(verdict, now)) {
        moved.append(' ').append(verdict);
      }
    }
    return moved.toString();
  }

  @SuppressWarnings("EnumOrdinal") // The place is the key: enum verdict in C has the same order.
  private long packets(Verdict verdict) {
    key.set(ValueLayout.JAVA_INT, 0, verdict.ordinal());
    counters.get(key, slots);
    long sum = 0;
    for (long at = 0; at < counters.valueSlotBytes(); at += COUNTER_BYTES) {
      sum += slots.get(ValueLayout.JAVA_LONG, at);
    }
    return sum;
  }

  @Override
  public void close() {
    tc.close();
    xdp.close();
    arena.close();
    world.close();
  }
}
