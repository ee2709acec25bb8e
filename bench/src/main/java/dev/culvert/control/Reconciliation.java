// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Change;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * Desired against actual, for a whole network. In this package for what is not public; no kernel is
 * involved. The network is 10.0.0.0/8 in subnets of /26, so that 100,000 fit.
 */
@State(Scope.Thread)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
public abstract class Reconciliation {
  private static final Vni VNI = new Vni(1);
  private static final Instant NOW = Instant.EPOCH;
  private static final Judgement JUDGEMENT = new Judgement(NOW, NOW, Optional.empty());
  private static final MacAddress MAC = MacAddress.parse("02:aa:00:00:00:01");
  private static final OverlayTable.Settings SETTINGS =
      new OverlayTable.Settings(
          new HostName("host-0"),
          VNI,
          List.of(IpPrefix.parse("10.0.0.0/8")),
          false,
          Duration.ofMinutes(1));

  private LeaseEvent.Snapshot snapshot;
  private OverlayTable settled;
  private long revision = 1;

  /** How many the network has. */
  abstract int subnets();

  @Setup
  public void fill() {
    snapshot =
        new LeaseEvent.Snapshot(
            1, IntStream.range(0, subnets()).mapToObj(Reconciliation::lease).toList());
    settled = fresh();
    List<Change> all = settled.changes(JUDGEMENT);
    settled.applied(all, List.<Datapath.Failure>of(), NOW);
  }

  private static Lease lease(int number) {
    String prefix = "10.%d.%d.%d/26".formatted(number >> 10, number >> 2 & 0xff, (number & 3) << 6);
    Vtep vtep =
        new Vtep(
            IpPrefix.parseAddress(
                "172.%d.%d.%d".formatted(16 + (number >> 16), number >> 8 & 0xff, number & 0xff)),
            4789,
            MAC);
    return new Lease(
        new Subnet(VNI, IpPrefix.parse(prefix)),
        new HostName("host-" + number),
        vtep,
        1,
        Optional.empty());
  }

  /** A table that knows every lease and next hop, and has written nothing. */
  private OverlayTable fresh() {
    OverlayTable table = new OverlayTable(SETTINGS);
    table.setOwn(List.of(lease(0)), Set.of());
    table.accept(snapshot, NOW);
    Optional<NextHop> hop =
        Optional.of(
            new NextHop(
                2,
                IpPrefix.parseAddress("172.16.0.0"),
                IpPrefix.parseAddress("172.31.255.254"),
                1500,
                false));
    table.unknownNextHops().forEach(address -> table.setNextHop(address, hop));
    return table;
  }

  /** An agent that starts: everything is news. */
  @Benchmark
  public List<Change> everything() {
    return fresh().changes(JUDGEMENT);
  }

  /** An agent that is asked again: nothing changed. */
  @Benchmark
  public List<Change> nothing() {
    return settled.changes(JUDGEMENT);
  }

  /** A host moves: one lease with another VTEP. */
  @Benchmark
  public List<Change> oneLease() {
    Lease moved = lease(subnets() - 1).withGeneration(++revision);
    settled.accept(new LeaseEvent.Announced(revision, moved), NOW);
    return settled.changes(JUDGEMENT);
  }
}
