// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.Change;
import dev.culvert.datapath.Counter;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Traffic;
import dev.culvert.datapath.TrafficCounters;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import dev.culvert.datapath.table.FlowTable;
import dev.culvert.datapath.table.PrebuiltObject;
import dev.culvert.datapath.table.RawEntries;
import dev.culvert.datapath.table.Tables;
import dev.culvert.datapath.table.VtepTable;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfMap;
import dev.culvert.kernel.bpf.BpfObject;
import dev.culvert.kernel.bpf.BpfObjectSpec;
import dev.culvert.kernel.bpf.BpfProgram;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The loaded programs with the tables that the golden packets meet. All runs on the loopback device
 * (index 1), on which BPF_PROG_TEST_RUN runs a program that is not told another; nothing is sent.
 *
 * <pre>
 *   VNI 1   10.244.1.0/24  ours; containers .2 (behind interface 1) and .3
 *           10.244.2.0/24  VTEP 10.18.2.2, behind the router 10.17.2.1; inner MTU 1450
 *           10.244.3.0/24  VTEP 10.17.2.3, on our link: direct routing
 *           10.244.4.0/24  VTEP 10.19.2.2, no route to it
 *           10.244.6.0/24  VTEP fd00:18::2
 *           fd00:244:x::/64 likewise
 *   VNI 3   the world as seen from 10.18.2.2
 * </pre>
 */
final class PacketWorld implements AutoCloseable {
  /** What one run gave; the verdict is the counter that moved. */
  @SuppressWarnings("ArrayRecordComponent") // compared byte by byte, never as a record
  record Outcome(Verdict verdict, int action, byte[] packet) {}

  private static final int LOOPBACK = 1;

  /** Offsets in struct __sk_buff (linux/bpf.h), which is 192 bytes long. */
  private static final int CONTEXT_GSO_SIZE = 176;

  private static final int CONTEXT_CB = 48;
  private static final int CONTEXT_BYTES = 192;

  private static final Vni VNI = new Vni(1);
  private static final MacAddress LOCAL_MAC = MacAddress.parse("02:aa:00:00:00:01");
  private static final MacAddress REMOTE_MAC = MacAddress.parse("02:aa:00:00:00:02");
  private static final Vtep LOCAL = vtep("10.17.2.2", LOCAL_MAC);
  private static final Vtep LOCAL6 = vtep("fd00:17::2", LOCAL_MAC);

  private final BpfObject object;
  private final Tables tables;

  private PacketWorld(BpfObject object) {
    this.object = object;
    this.tables = Tables.of(object::map);
  }

  static PacketWorld load() {
    return load(EbpfConfig.PATH_MTU_LIFETIME);
  }

  /** With another lifetime of what routers say. */
  static PacketWorld load(Duration pathMtuLifetime) {
    return load(
        PrebuiltObject.spec().withGlobal("path_mtu_lifetime_ns", pathMtuLifetime.toNanos()));
  }

  /** The same with the tests' own entry points (bpf/fuzz/fuzz.bpf.c). */
  static PacketWorld loadForTests() {
    try (InputStream in = PacketWorld.class.getResourceAsStream("fuzz.bpf.o")) {
      return load(BpfObjectSpec.parse(in.readAllBytes(), "fuzz.bpf.o"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The same around an object that has the datapath's maps. */
  static PacketWorld load(BpfObjectSpec spec) {
    PacketWorld world =
        new PacketWorld(BpfObject.load(Libc.system(), spec.withGlobal("bare_vni", 1), Map.of()));
    fill(world.tables);
    world.addSelf(LOCAL6.address());
    return world;
  }

  /** Gives this host another underlay address. */
  void beAt(InetAddress underlayAddress) {
    tables.vteps().setSelf(underlayAddress);
  }

  /** What the map knows of the way to a VTEP: the inner MTU, or 0. */
  int pathMtuBytes(InetAddress vtep) {
    return tables.vteps().path(vtep).map(VtepTable.PathMtu::mtuBytes).orElse(0);
  }

  FlowTable flows() {
    return tables.flows();
  }

  /** Puts the world above into tables. */
  static void fill(Tables tables) {
    List<Change> changes =
        List.of(
            own("10.244.1.0/24"),
            own("fd00:244:1::/64"),
            remote("10.244.2.0/24", LOCAL, vtep("10.18.2.2", REMOTE_MAC), hop("10.17.2.1", false)),
            remote(
                "fd00:244:2::/64", LOCAL, vtep("10.18.2.2", REMOTE_MAC), hop("10.17.2.1", false)),
            new Change.PutRemote(
                new RemoteSubnet(
                    subnet(1, "10.244.3.0/24"),
                    LOCAL,
                    vtep("10.17.2.3", REMOTE_MAC),
                    Optional.of(hop("10.17.2.3", true)),
                    true)),
            new Change.PutRemote(
                new RemoteSubnet(
                    subnet(1, "10.244.4.0/24"),
                    LOCAL,
                    vtep("10.19.2.2", REMOTE_MAC),
                    Optional.empty(),
                    false)),
            remote(
                "10.244.6.0/24", LOCAL6, vtep("fd00:18::2", REMOTE_MAC), hop("fd00:17::1", false)),
            remote(
                "fd00:244:6::/64",
                LOCAL6,
                vtep("fd00:18::2", REMOTE_MAC),
                hop("fd00:17::1", false)),
            // The other side of the tunnel, for what we wrapped ourselves.
            new Change.PutRemote(
                new RemoteSubnet(
                    subnet(3, "10.244.1.0/24"),
                    vtep("10.18.2.2", REMOTE_MAC),
                    vtep("10.17.2.2", LOCAL_MAC),
                    Optional.of(hop("10.18.2.1", false)),
                    false)));
    List<Datapath.Failure> failures = tables.subnets().apply(changes);
    if (!failures.isEmpty()) {
      throw new IllegalStateException(failures.toString());
    }
    tables.vteps().setSelf(LOCAL.address());
    tables
        .endpoints()
        .allowEndpoint(
            new Endpoint(
                VNI,
                List.of(
                    IpPrefix.parseAddress("10.244.1.2"), IpPrefix.parseAddress("fd00:244:1::2")),
                MacAddress.parse("02:00:00:00:01:02"),
                new Endpoint.HostEnd(LOOPBACK, MacAddress.parse("02:ff:00:00:01:02"), true)));
    for (String address : List.of("10.244.1.3", "fd00:244:1::3")) {
      tables.endpoints().put(endpoint(1, address, "02:00:00:00:01:03", "02:ff:00:00:01:03"));
    }
    tables.endpoints().put(endpoint(3, "10.244.2.4", "02:00:00:00:02:04", "02:ff:00:00:02:04"));
  }

  /** A host has one VTEP address; this world is two hosts in one. */
  private void addSelf(InetAddress address) {
    RawEntries.addSelf(object.map("vteps"), address);
  }

  /** Runs a program once on one packet. gsoSizeBytes 0 is an ordinary packet. */
  Outcome run(String program, byte[] packet, int gsoSizeBytes) {
    byte[] context = new byte[gsoSizeBytes == 0 ? 0 : CONTEXT_BYTES];
    if (gsoSizeBytes != 0) {
      inContext(context).putInt(CONTEXT_GSO_SIZE, gsoSizeBytes);
    }
    return run(program, packet, context);
  }

  /** The same with words of the kernel's scratch space (cb of struct __sk_buff). */
  Outcome runWith(String program, byte[] packet, int... words) {
    byte[] context = new byte[CONTEXT_BYTES];
    for (int i = 0; i < words.length; i++) {
      inContext(context).putInt(CONTEXT_CB + i * Integer.BYTES, words[i]);
    }
    return run(program, packet, context);
  }

  private static ByteBuffer inContext(byte[] context) {
    return ByteBuffer.wrap(context).order(ByteOrder.nativeOrder());
  }

  private Outcome run(String program, byte[] packet, byte[] context) {
    Map<Verdict, Counter> before = tables.counters().read();
    BpfProgram.TestRun run = object.program(program).testRun(packet, context, 1);
    Map<Verdict, Counter> after = tables.counters().read();
    List<Verdict> moved =
        Arrays.stream(Verdict.values())
            .filter(verdict -> packets(after, verdict) != packets(before, verdict))
            .toList();
    if (moved.size() != 1
        || packets(after, moved.getFirst()) != packets(before, moved.getFirst()) + 1) {
      throw new AssertionError("One packet must have one verdict, but it was counted in " + moved);
    }
    return new Outcome(moved.getFirst(), run.returnValue(), run.packet());
  }

  /**
   * Who was counted so far: VTEPs and containers by address, and "sender" for the container behind
   * interface 1, of which only the interface is in the tables.
   */
  Map<String, Traffic> traffic() {
    Map<String, Traffic> all = new TreeMap<>();
    TrafficCounters counters = tables.traffic();
    counters.byVtep().forEach((vtep, traffic) -> all.put(vtep.getHostAddress(), traffic));
    counters
        .byEndpoint()
        .forEach((endpoint, traffic) -> all.put(endpoint.address().getHostAddress(), traffic));
    int sender = RawEntries.senderId(object.map("interfaces"), LOOPBACK);
    all.put("sender", RawEntries.traffic(object.map("endpoint_traffic"), sender));
    return all;
  }

  /** Runs the XDP program once on one frame. */
  BpfProgram.TestRun frame(byte[] frame) {
    return object.program("strip_at_xdp").testRun(frame, new byte[0], 1);
  }

  private static long packets(Map<Verdict, Counter> counters, Verdict verdict) {
    Counter counter = counters.get(verdict);
    return counter == null ? 0 : counter.packets();
  }

  BpfProgram program(String name) {
    return object.program(name);
  }

  BpfMap map(String name) {
    return object.map(name);
  }

  List<BpfProgram> programs() {
    return object.spec().programs().stream().map(spec -> object.program(spec.name())).toList();
  }

  private static Change own(String prefix) {
    return new Change.PutLocal(new LocalSubnet(subnet(1, prefix), 0));
  }

  private static Change remote(String prefix, Vtep local, Vtep remote, NextHop hop) {
    return new Change.PutRemote(
        new RemoteSubnet(subnet(1, prefix), local, remote, Optional.of(hop), false));
  }

  private static Subnet subnet(int vni, String prefix) {
    return new Subnet(new Vni(vni), IpPrefix.parse(prefix));
  }

  private static Vtep vtep(String address, MacAddress mac) {
    return new Vtep(IpPrefix.parseAddress(address), 4789, mac);
  }

  private static NextHop hop(String gateway, boolean onLink) {
    String source = gateway.contains(":") ? "fd00:17::2" : "10.17.2.2";
    return new NextHop(
        LOOPBACK, IpPrefix.parseAddress(source), IpPrefix.parseAddress(gateway), 1500, onLink);
  }

  private static Endpoint endpoint(int vni, String address, String mac, String hostMac) {
    return new Endpoint(
        vni == 1 ? VNI : new Vni(vni),
        IpPrefix.parseAddress(address),
        MacAddress.parse(mac),
        new Endpoint.HostEnd(LOOPBACK, MacAddress.parse(hostMac), true));
  }

  @Override
  public void close() {
    object.close();
  }
}
