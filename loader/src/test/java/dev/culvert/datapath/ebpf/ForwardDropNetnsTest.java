// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Verdict;
import dev.culvert.testing.RequiresRoot;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Both hosts' firewalls forward nothing but answers, as Docker sets them up (policy drop). What the
 * programs leave to the kernel's device they hand straight to it, past that.
 */
@RequiresRoot
@Tag("netns")
class ForwardDropNetnsTest {
  private static final String RULES =
      """
      table inet docker {
        chain forward {
          type filter hook forward priority filter; policy drop;
          ct state established,related accept
        }
      }
      """;

  @TempDir Path folder;

  @Test
  void whatIsCutOutsideArrivesAllTheSame() throws Exception {
    try (NarrowWay way = new NarrowWay("cv-fw", false, false)) {
      way.start(EbpfConfig.PATH_MTU_LIFETIME);
      way.middleTakes(1400);
      dropForwarded(way);
      String ping = "ping -c 2 -i 0.3 -W 2 -M dont -s %d " + way.address(2);
      // The first is too large for the way, which the host learns by it; the container forgets.
      Commands.tryRun(
          "ip netns exec " + way.container(1) + " " + ping.formatted(1410).replace("dont", "do"));
      way.forgetRoutes();
      Commands.in(way.container(1), ping.formatted(1380));
      Commands.in(way.container(1), ping.formatted(4000));
      assertTrue(way.count(1, Verdict.SLOW_PATH) >= 4, "the requests went another way");
    }
  }

  private void dropForwarded(NarrowWay way) throws Exception {
    Path rules = folder.resolve("rules");
    Files.writeString(rules, RULES);
    for (int host = 1; host <= 2; host++) {
      Commands.in(way.host(host), "nft -f " + rules);
    }
  }
}
