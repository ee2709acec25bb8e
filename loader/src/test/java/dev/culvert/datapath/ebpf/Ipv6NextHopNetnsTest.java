// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.testing.RequiresRoot;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** An IPv4 underlay whose routes lead through IPv6 next hops (RFC 8950, "BGP unnumbered"). */
@Tag("netns")
@RequiresRoot
class Ipv6NextHopNetnsTest {
  private static final int PORT = 4789;

  @Test
  void anIpv4WayThroughAnIpv6NextHopCarries() throws Exception {
    try (TwoHosts hosts = new TwoHosts("cv-n6")) {
      Commands.in(hosts.router(), "ip addr add fe80::99/64 dev port1 nodad");
      hosts.host(1).run("ip route replace default via inet6 fe80::99 dev under0");
      try (EbpfDatapath _ = hosts.startCulvert(hosts.host(1), hosts.host(2), PORT);
          EbpfDatapath _ = hosts.startCulvert(hosts.host(2), hosts.host(1), PORT)) {
        Commands.in(hosts.host(1).container(), "ping -c 2 -i 0.2 -W 2 10.244.2.2");
        Commands.in(hosts.host(1).container(), "ping -c 2 -i 0.2 -W 2 fd00:244:2::2");
      }
    }
  }
}
