// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend;

import dev.culvert.bench.endtoend.peer.TunnelKeyDatapath;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.ebpf.SubnetFiller;
import dev.culvert.kernel.Libc;
import dev.culvert.lab.Command;
import dev.culvert.lab.LabException;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Topology;
import dev.culvert.lab.datapath.CulvertDatapath;
import dev.culvert.lab.datapath.KernelVxlanDatapath;
import dev.culvert.lab.datapath.RoutesDatapath;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * More subnets on both hosts of a contestant, in the form in which it keeps them; the traffic goes
 * to none of them. They are taken from 11.0.0.0/8, which has 65,536 of them.
 */
final class SubnetGrowth {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Path PINS = Path.of("/sys/fs/bpf/culvert");

  /**
   * The kernel keeps the next hops of one device in one list, which it walks for each new route:
   * flannel has a next hop for each subnet, so the time grows with the square of their number.
   */
  private static final int MOST_NEXT_HOPS = 10_000;

  private static final int MOST = 65_000;

  private SubnetGrowth() {}

  /** How many subnets a contestant can be given in reasonable time. */
  static int most(Course.Built built) {
    return built.datapath() instanceof KernelVxlanDatapath ? MOST_NEXT_HOPS : MOST;
  }

  /** The number-th subnet. */
  static String subnet(int number) {
    return zero(number) + "/24";
  }

  private static String zero(int number) {
    return "11.%d.%d.0".formatted(number >> 8, number & 0xff);
  }

  /** Adds the subnets from one number up to another, without that. */
  static void grow(Course.Built built, int from, int to) {
    LabPlan plan = built.topology().plan();
    LabPlan.Host first = plan.host(1);
    LabPlan.Host second = plan.host(2);
    Range range = new Range(from, to);
    grow(built, first, second, range);
    grow(built, second, first, range);
  }

  /** From one number up to another, without that. */
  private record Range(int from, int to) {
    IntStream numbers() {
      return IntStream.range(from, to);
    }
  }

  private static void grow(Course.Built built, LabPlan.Host host, LabPlan.Host other, Range range) {
    IntStream numbers = range.numbers();
    switch (built.datapath()) {
      case RoutesDatapath _ ->
          batch(
              built,
              host,
              "ip",
              numbers.mapToObj(
                  i -> "route add " + subnet(i) + " via " + host.gateway().orElseThrow()));
      case KernelVxlanDatapath _ -> growVxlan(built, host, other, range);
      case TunnelKeyDatapath tunnel ->
          numbers.forEach(i -> tunnel.putRemote(host, subnet(i), other));
      case CulvertDatapath _ ->
          SubnetFiller.fill(
              Libc.system(),
              PINS.resolve(host.instance()),
              numbers.mapToObj(i -> IpPrefix.parse(subnet(i))).toList());
      default -> throw new LabException(built.peer().id() + " cannot be given more subnets.");
    }
  }

  /** As flannel does: an ARP entry, an FDB entry and a route for each. */
  private static void growVxlan(
      Course.Built built, LabPlan.Host host, LabPlan.Host other, Range range) {
    String device = KernelVxlanDatapath.DEVICE;
    batch(
        built,
        host,
        "ip",
        range
            .numbers()
            .mapToObj(i ->
                "neighbour add %s lladdr %s dev %s nud permanent\nroute add %s via %s dev %s onlink"
                    .formatted(zero(i), mac(i), device, subnet(i), zero(i), device)));
    batch(
        built,
        host,
        "bridge",
        range
            .numbers()
            .mapToObj(i ->
                "fdb add %s dev %s dst %s self permanent"
                    .formatted(mac(i), device, other.address())));
  }

  private static String mac(int number) {
    return "02:c1:00:00:%02x:%02x".formatted(number >> 8, number & 0xff);
  }

  private static void batch(
      Course.Built built, LabPlan.Host host, String tool, Stream<String> lines) {
    Topology topology = built.topology();
    topology
        .shell()
        .check(
            Command.of(tool, "-batch", "-")
                .in(host.namespace())
                .reading(lines.collect(Collectors.joining("\n", "", "\n")))
                .within(PATIENCE));
  }
}
