// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import dev.culvert.datapath.Change;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfObject;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A host's subnet from a {@link Change} to the kernel's map: encoding with the ready-made header,
 * then the write. Times are for one subnet, also in batches. In this package for what is not
 * public.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
public class SubnetBenchmark {
  static final int SUBNETS = 1000;

  private BpfObject object;
  private SubnetTable table;
  private List<Change> all;
  private List<List<Change>> single;
  private RemoteSubnet remote;
  private MemorySegment value;
  private int next;

  @Setup
  public void load() {
    value = Arena.ofAuto().allocate(Layouts.SUBNET.sizeBytes(), 8);
    object = BpfObject.load(Libc.system(), PrebuiltObject.spec(), Map.of());
    table = Tables.of(object::map).subnets();
    all =
        IntStream.range(0, SUBNETS).<Change>mapToObj(i -> new Change.PutRemote(remote(i))).toList();
    single = all.stream().map(List::of).toList();
    remote = remote(0);
    // Says what size is usual, so that each subnet goes to the hash too.
    table.apply(
        List.of(
            new Change.PutLocal(
                new LocalSubnet(new Subnet(new Vni(1), IpPrefix.parse("10.255.0.0/24")), 0))));
  }

  private static RemoteSubnet remote(int number) {
    String subnet = "10." + number / 256 + "." + number % 256 + ".0/24";
    String host = "172.16." + number / 256 + "." + number % 256;
    MacAddress mac = MacAddress.parse("02:aa:00:00:00:01");
    return new RemoteSubnet(
        new Subnet(new Vni(1), IpPrefix.parse(subnet)),
        new Vtep(IpPrefix.parseAddress("172.17.0.1"), 4789, mac),
        new Vtep(IpPrefix.parseAddress(host), 4789, mac),
        Optional.of(
            new NextHop(
                1,
                IpPrefix.parseAddress("172.17.0.1"),
                IpPrefix.parseAddress("172.17.0.254"),
                1500,
                false)),
        false);
  }

  @TearDown
  public void close() {
    object.close();
  }

  @Benchmark
  public MemorySegment encode() {
    SubnetEntries.encodeRemote(remote, 1, value);
    return value;
  }

  @Benchmark
  public List<Datapath.Failure> applyOne() {
    next = next + 1 == SUBNETS ? 0 : next + 1;
    return table.apply(single.get(next));
  }

  @Benchmark
  @OperationsPerInvocation(SUBNETS)
  public List<Datapath.Failure> applyAll() {
    return table.apply(all);
  }
}
