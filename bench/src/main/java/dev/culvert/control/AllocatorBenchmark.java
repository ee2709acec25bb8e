// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** A subnet for a new host, and an address for a new container, when all before them are taken. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class AllocatorBenchmark {
  private static final Vni VNI = new Vni(1);
  private static final IpPrefix CONTAINERS = IpPrefix.parse("10.64.0.0/16");

  @Param({"10", "1000", "50000"})
  public int taken;

  private List<Lease> leases;
  private Set<InetAddress> addresses;

  @Setup
  public void fill() {
    Vtep vtep =
        new Vtep(IpPrefix.parseAddress("172.16.0.2"), 4789, MacAddress.parse("02:aa:00:00:00:01"));
    leases =
        IntStream.rangeClosed(1, taken)
            .mapToObj(i ->
                new Lease(
                    new Subnet(VNI, IpPrefix.parse("10.%d.%d.0/24".formatted(i >> 8, i & 0xff))),
                    new HostName("host-" + i),
                    vtep,
                    1,
                    Optional.empty()))
            .toList();
    addresses =
        IntStream.range(2, taken + 2)
            .mapToObj(i -> IpPrefix.parseAddress("10.64.%d.%d".formatted(i >> 8, i & 0xff)))
            .collect(Collectors.toUnmodifiableSet());
  }

  @Benchmark
  public Object subnet() {
    return SubnetAllocator.choose(
        new SubnetAllocator.Request(
            new HostName("newcomer"),
            VNI,
            IpPrefix.parse("10.0.0.0/8"),
            24,
            Optional.empty(),
            Optional.empty(),
            Reservations.NONE),
        leases);
  }

  @Benchmark
  public InetAddress address() {
    return AddressAllocator.lowestFree(CONTAINERS, addresses);
  }
}
