// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.Change;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import dev.culvert.datapath.packet.HeaderTemplate;
import dev.culvert.datapath.table.Tables;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfMap;
import dev.culvert.kernel.bpf.BpfObject;
import dev.culvert.kernel.bpf.BpfObjectSpec;
import dev.culvert.kernel.bpf.BpfProgram;
import dev.culvert.kernel.object.StructLayout;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The measuring programs of bpf/cost/cost.bpf.c, loaded, with the tables of a host that knows many
 * subnets. Not for use by several threads.
 *
 * <pre>
 *   10.N.N.0/24       subnets of a remote host; 10.0.0.4 is a container of ours as well, so that a packet can make a round trip
 *   172.30.1.0/24     the sender's subnet; for the way back it belongs to the other host
 *   172.30.2.0/24     this host's own subnet, with the container 172.30.2.3
 *   172.30.3.0/24     a host on the same link
 * </pre>
 */
final class CostWorld implements AutoCloseable {
  /** BPF_PROG_TEST_RUN runs tc programs on the loopback device; nothing is sent. */
  static final int LOOPBACK = 1;

  static final Vni VNI = new Vni(1);
  static final MacAddress CONTAINER = MacAddress.parse("02:00:00:00:01:02");

  private static final MacAddress HOST = MacAddress.parse("02:aa:00:00:00:01");
  private static final Vtep HERE = vtep("10.17.2.2");
  private static final Vtep THERE = vtep("10.18.2.2");
  private static final String OBJECT = "dev/culvert/bench/cost.bpf.o";
  private static final int TC_ACT_OK = 0;
  private static final int XDP_PASS = 2;

  /** struct cost_state in bpf/cost/cost.h. */
  static final StructLayout STATE =
      StructLayout.of("cost_state")
          .u32("subnets")
          .u32("random")
          .u64("timed_ns")
          .u64("timed")
          .build();

  private final BpfObject object;
  private final BpfMap state;
  private final Arena arena = Arena.ofConfined();
  private final MemorySegment stateKey = arena.allocate(Integer.BYTES, 8);
  private final MemorySegment stateValue = arena.allocate(STATE.sizeBytes(), 8);

  private CostWorld(BpfObject object) {
    this.object = object;
    this.state = object.map("cost_state");
  }

  private static Vtep vtep(String address) {
    return new Vtep(IpPrefix.parseAddress(address), 4789, HOST);
  }

  /**
   * @param subnets how many subnets of the remote host
   * @param mixedSizes whether they are /25, /26 and /24 in turn, or all /24 as this host's own
   */
  static CostWorld load(int subnets, boolean mixedSizes) {
    BpfObjectSpec spec = spec().withGlobal("bare_vni", VNI.value());
    CostWorld world = new CostWorld(BpfObject.load(Libc.system(), spec, Map.of()));
    try {
      world.fill(subnets, mixedSizes);
      return world;
    } catch (RuntimeException e) {
      world.close();
      throw e;
    }
  }

  static BpfObjectSpec spec() {
    try (InputStream in = CostWorld.class.getClassLoader().getResourceAsStream(OBJECT)) {
      return BpfObjectSpec.parse(in.readAllBytes(), OBJECT);
    } catch (IOException e) {
      throw new UncheckedIOException(OBJECT + " could not be read.", e);
    }
  }

  private void fill(int subnets, boolean mixedSizes) {
    Tables tables = Tables.of(object::map);
    List<Change> changes = new ArrayList<>();
    for (int i = 0; i < subnets; i++) {
      int length = mixedSizes ? 24 + (i + 1) % 3 : 24;
      changes.add(remote(i, length));
    }
    changes.add(remote("172.30.1.0/24", THERE, HERE, false));
    changes.add(remote("172.30.3.0/24", HERE, THERE, true));
    changes.add(new Change.PutLocal(new LocalSubnet(subnet("172.30.2.0/24"), 0)));
    List<Datapath.Failure> failures = tables.subnets().apply(changes);
    if (!failures.isEmpty()) {
      throw new IllegalStateException(failures.toString());
    }
    tables.vteps().setSelf(THERE.address());
    tables.endpoints().allowEndpoint(endpoint("172.30.1.2"));
    tables.endpoints().put(endpoint("10.0.0.4"));
    tables.endpoints().put(endpoint("172.30.2.3"));
  }

  static Subnet subnet(String prefix) {
    return new Subnet(VNI, IpPrefix.parse(prefix));
  }

  /** One of the subnets of the remote host, as long as this host's own. */
  static Change remote(int number) {
    return remote(number, 24);
  }

  private static Change remote(int number, int length) {
    return remote("10." + number / 256 + "." + number % 256 + ".0/" + length, HERE, THERE, false);
  }

  private static Change remote(String subnet, Vtep local, Vtep remote, boolean direct) {
    return new Change.PutRemote(subnet(subnet, local, remote, direct));
  }

  private static RemoteSubnet subnet(String subnet, Vtep local, Vtep remote, boolean direct) {
    NextHop hop = new NextHop(LOOPBACK, local.address(), remote.address(), 9000, direct);
    return new RemoteSubnet(subnet(subnet), local, remote, Optional.of(hop), direct);
  }

  private static Endpoint endpoint(String address) {
    return new Endpoint(
        VNI, IpPrefix.parseAddress(address), CONTAINER, new Endpoint.HostEnd(LOOPBACK, HOST, true));
  }

  /** The outer headers in front of a packet to 10.N.N.4, lengths left at 0. */
  static byte[] outerHeaders() {
    byte[] headers = new byte[64];
    RemoteSubnet to = subnet("10.0.0.0/24", HERE, THERE, false);
    HeaderTemplate.write(to, MemorySegment.ofArray(headers), 0);
    return headers;
  }

  BpfProgram program(String name) {
    return object.program(name);
  }

  /**
   * Mean ns of one run.
   *
   * @param askedSubnets above 1: the packet goes to another of so many subnets each time
   * @throws IllegalStateException when the program did not do what it measures
   */
  double runNs(String program, byte[] packet, int askedSubnets, int repeat) {
    writeState(askedSubnets);
    BpfProgram.TestRun run = object.program(program).testRun(packet, new byte[0], repeat);
    int good = program.startsWith("cost_xdp_") ? XDP_PASS : TC_ACT_OK;
    if (run.returnValue() != good) {
      throw new IllegalStateException(
          program
              + " gave "
              + run.returnValue()
              + " on a packet of "
              + packet.length
              + " bytes and so did not do what it measures.");
    }
    return run.durationNs();
  }

  /** Mean ns of what the program takes the time of by itself (add_time in bpf/cost/cost.h). */
  double timedNs(String program, byte[] packet, int repeat) {
    runNs(program, packet, 1, repeat);
    state.get(stateKey, stateValue);
    return (double) STATE.field("timed_ns").get(stateValue, 0)
        / STATE.field("timed").get(stateValue, 0);
  }

  private void writeState(int askedSubnets) {
    stateValue.fill((byte) 0);
    STATE.field("subnets").set(stateValue, 0, askedSubnets);
    STATE.field("random").set(stateValue, 0, 1);
    state.put(stateKey, stateValue, BpfMap.ANY);
  }

  @Override
  public void close() {
    object.close();
    arena.close();
  }
}
