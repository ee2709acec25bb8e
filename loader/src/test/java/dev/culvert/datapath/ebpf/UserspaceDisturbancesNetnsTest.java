// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.host.Fixture;
import dev.culvert.datapath.userspace.UserspaceDatapath;
import dev.culvert.datapath.userspace.UserspaceFixtures;
import dev.culvert.testing.RequiresRoot;
import java.util.List;
import org.junit.jupiter.api.Tag;

/** Where the agent carries the packets, past the firewall by rules that are kept as well. */
@RequiresRoot
@Tag("netns")
class UserspaceDisturbancesNetnsTest extends DisturbancesTests<UserspaceDatapath> {
  UserspaceDisturbancesNetnsTest() {
    super("cv-diu");
  }

  @Override
  UserspaceDatapath start(TwoHosts hosts, TwoHosts.Host own, TwoHosts.Host other) throws Exception {
    return hosts.startUserspace(own, other, 4789);
  }

  @Override
  List<Fixture> fixtures(UserspaceDatapath datapath) {
    return UserspaceFixtures.of(datapath);
  }

  /**
   * The rules, but not what the sets have remembered; the numbers in chains' names are the
   * kernel's.
   */
  @Override
  String programs(UserspaceDatapath datapath, TwoHosts.Host host) {
    return host.run("nft -t list table netdev culvert0")
        .replaceAll("(?m)^\\s*chain (in|out)-\\d+ ", "chain $1 ")
        .lines()
        .sorted()
        .reduce("", (a, b) -> a + b.strip() + "\n");
  }

  @Override
  String table() {
    return "disturbances-userspace.md";
  }
}
