// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.culvert.datapath.Change;
import dev.culvert.datapath.Counter;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.Gateway;
import dev.culvert.datapath.Identity;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.TrafficCounters;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import dev.culvert.datapath.pin.Pins;
import dev.culvert.datapath.table.Tables;
import dev.culvert.datapath.trace.Explainer;
import dev.culvert.datapath.trace.Explanation;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.Libc;
import dev.culvert.testing.BpfFolder;
import dev.culvert.testing.TestNamespace;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * {@link PacketWorld}, pinned as an agent pins it: for what looks at a host from outside. Golden
 * packets find it as they find PacketWorld. A device in a namespace of its own stands for the
 * underlay and for the container 10.244.1.2; nothing is sent there.
 */
@SuppressWarnings({"try", "exports"}) // Closing may be interrupted; nobody but tests sees this.
public final class PinnedWorld implements AutoCloseable {
  private static final InterfaceName DEVICE = new InterfaceName("under0");
  private static final MacAddress DEVICE_MAC = MacAddress.parse("02:ff:00:00:01:02");

  private final Libc libc = Libc.system();
  private final TestNamespace namespace;
  private final BpfFolder folder;
  private final Pins pins;
  private final Programs programs;
  private final Tables tables;

  private PinnedWorld(TestNamespace namespace, BpfFolder folder, Pins pins, Programs programs) {
    this.namespace = namespace;
    this.folder = folder;
    this.pins = pins;
    this.programs = programs;
    this.tables = Tables.of(programs.object()::map);
  }

  public static PinnedWorld load() throws Exception {
    TestNamespace namespace = TestNamespace.create();
    namespace.run(
        ("ip link add " + DEVICE + " address " + DEVICE_MAC + " type veth peer name wire")
            .split(" ", -1));
    BpfFolder folder = BpfFolder.create();
    Pins pins = Pins.create(Libc.system(), folder.path().resolve("host-01"));
    EbpfConfig config = EbpfConfig.builder(pins.folder(), DEVICE).build();
    Programs programs = Programs.load(Libc.system(), pins, config, Optional.of(new Vni(1)));
    PinnedWorld world = new PinnedWorld(namespace, folder, pins, programs);
    pins.claim();
    pins.setIdentity(
        new Identity(
            new Vni(1),
            new Vtep(
                IpPrefix.parseAddress("10.17.2.2"), 4789, MacAddress.parse("02:aa:00:00:00:01")),
            List.of(
                new Gateway(IpPrefix.parseAddress("10.244.1.1"), IpPrefix.parse("10.244.0.0/16"))),
            DEVICE));
    PacketWorld.fill(world.tables);
    world.putOnDevice(namespace.interfaceIndex(DEVICE.text()));
    return world;
  }

  /** A container, and the host on the same link. */
  private void putOnDevice(int index) {
    Endpoint endpoint =
        new Endpoint(
            new Vni(1),
            List.of(IpPrefix.parseAddress("10.244.1.2"), IpPrefix.parseAddress("fd00:244:1::2")),
            MacAddress.parse("02:00:00:00:01:02"),
            new Endpoint.HostEnd(index, DEVICE_MAC, true));
    tables.endpoints().allowEndpoint(endpoint);
    tables.endpoints().put(endpoint);
    Vtep there =
        new Vtep(IpPrefix.parseAddress("10.17.2.3"), 4789, MacAddress.parse("02:aa:00:00:00:02"));
    NextHop hop =
        new NextHop(index, IpPrefix.parseAddress("10.17.2.2"), there.address(), 1500, true);
    Subnet subnet = new Subnet(new Vni(1), IpPrefix.parse("10.244.3.0/24"));
    Vtep here = pins.identity().orElseThrow().vtep();
    assertEquals(
        List.of(),
        tables
            .subnets()
            .apply(
                List.of(
                    new Change.PutRemote(
                        new RemoteSubnet(subnet, here, there, Optional.of(hop), true)))));
  }

  /** Asks in the host's namespace. */
  public Explanation explain(Explainer.Question question) throws Exception {
    return namespace.call(() -> Explainer.explain(libc, pins.folder(), question));
  }

  public Path pins() {
    return pins.folder();
  }

  public Libc libc() {
    return libc;
  }

  @SuppressWarnings("exports") // For the tests of other rooms in this module.
  public Pins folder() {
    return pins;
  }

  public Map<Verdict, Counter> counters() {
    return tables.counters().read();
  }

  public TrafficCounters traffic() {
    return tables.traffic();
  }

  /** Runs a program once on a golden packet. */
  public void run(String golden) {
    run(golden, 0);
  }

  /** The same with skb->mark set; see struct __sk_buff in linux/bpf.h. */
  public void run(String golden, int mark) {
    GoldenPacket packet = GoldenPacket.named(golden);
    byte[] context =
        ByteBuffer.allocate(192).order(ByteOrder.nativeOrder()).putInt(8, mark).array();
    var _ = programs.object().program(packet.program()).testRun(packet.in(), context, 1);
  }

  /** What any tracer wants, by the programs' own number. */
  public int wanted() {
    try (var arena = java.lang.foreign.Arena.ofConfined()) {
      var value = arena.allocate(4, 8);
      programs.object().map("trace_wanted").get(arena.allocate(4, 8), value);
      return value.get(java.lang.foreign.ValueLayout.JAVA_INT, 0);
    }
  }

  /** How many tracers' rings the kernel keeps for us. */
  public int rings() {
    try (var arena = java.lang.foreign.Arena.ofConfined()) {
      int rings = 0;
      for (int place = 0; place < 8; place++) {
        var key = arena.allocateFrom(java.lang.foreign.ValueLayout.JAVA_INT, place);
        rings += programs.object().map("trace_rings").get(key, arena.allocate(4, 8)) ? 1 : 0;
      }
      return rings;
    }
  }

  @Override
  public void close() throws Exception {
    programs.close();
    folder.close();
    namespace.close();
  }

  /** Whether nothing but the world's own pins is left. */
  public boolean isTidy() throws Exception {
    try (var files = Files.list(pins.folder())) {
      return files.count() == Tables.MAPS.size() + 4; // links, programs, abi, identity
    }
  }
}
