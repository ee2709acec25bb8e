// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import java.net.InetAddress;
import java.time.Instant;
import java.util.Optional;

/** Values that tests have in common. */
final class Fixtures {
  static final String HOST_01_MAC = "6e:90:6b:2d:cb:59";
  static final Vni VNI = new Vni(1);

  private Fixtures() {}

  /** Static, of VNI 1 and generation 1, at 10.18.2.2. */
  static Lease lease(String prefix, String host) {
    return lease(prefix, host, 1, "10.18.2.2", 1);
  }

  static Lease lease(String prefix, String host, int vni, String underlay, long generation) {
    return new Lease(
        new Subnet(new Vni(vni), IpPrefix.parse(prefix)),
        new HostName(host),
        new Vtep(address(underlay), 4789, VtepMac.derive(new HostName(host), new Vni(vni))),
        generation,
        Optional.empty());
  }

  /** With right clocks, and a store that takes writes or takes none. */
  static Judgement judgement(Instant now, boolean proven) {
    return new Judgement(now, now, proven ? Optional.of(now) : Optional.empty());
  }

  static InetAddress address(String text) {
    return IpPrefix.parseAddress(text);
  }

  static Subnet subnet(String prefix) {
    return new Subnet(VNI, IpPrefix.parse(prefix));
  }

  static NextHop viaRouter(String router) {
    return new NextHop(2, address("10.17.2.2"), address(router), 1500, false);
  }

  static NextHop onLink(String vtep) {
    return new NextHop(2, address("10.17.2.2"), address(vtep), 1500, true);
  }
}
