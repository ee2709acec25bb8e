// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.store;

import dev.culvert.control.HostName;
import dev.culvert.control.Lease;
import dev.culvert.control.OverlayConfig;
import dev.culvert.control.Timeouts;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** Hosts by number, in a network of 65,536 subnets: 10.0.0.0/8 in /24. */
final class Hosts {
  static final InetAddress ROUTER = IpPrefix.parseAddress("172.31.255.254");

  private static final IpPrefix NETWORK = IpPrefix.parse("10.0.0.0/8");
  private static final Vni VNI = new Vni(1);
  private static final Duration START = Duration.ofMinutes(20);

  private Hosts() {}

  static InetAddress underlay(int number) {
    return IpPrefix.parseAddress(
        "172.%d.%d.%d".formatted(16 + (number >> 16), number >> 8 & 0xff, number & 0xff));
  }

  static OverlayConfig config(int number) {
    return OverlayConfig.builder(new HostName("host-" + number), underlay(number))
        .vni(VNI)
        .network(NETWORK)
        .timeouts(Timeouts.DEFAULT.withStart(START))
        .build();
  }

  /** Somebody's in the upper half of the network, where the lowest free are not. */
  static Lease lease(int number) {
    Subnet subnet =
        new Subnet(
            VNI, IpPrefix.parse("10.%d.%d.0/24".formatted(128 + (number >> 8), number & 0xff)));
    return new Lease(
        subnet,
        new HostName("other-" + number),
        new Vtep(
            underlay(100_000 + number), Vtep.VXLAN_PORT, MacAddress.parse("02:aa:00:00:00:01")),
        1,
        Optional.of(Lease.Term.from(Instant.now(), OverlayConfig.DEFAULT_LEASE_DURATION)));
  }

  static List<Lease> leases(int count) {
    return IntStream.range(0, count).mapToObj(Hosts::lease).toList();
  }
}
