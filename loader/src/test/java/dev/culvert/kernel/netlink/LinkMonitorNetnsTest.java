// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.Libc;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.testing.RequiresRoot;
import dev.culvert.testing.TestNamespace;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What others change in the namespace is told. */
@Tag("netns")
@RequiresRoot
@Timeout(60)
final class LinkMonitorNetnsTest {
  /** Every kind of change, one command each. */
  private static final String[] CHANGES = {
    "ip link add va type veth peer name vb",
    "ip link set va up",
    "ip addr add 10.244.1.1/24 dev va",
    "ip addr add fd00:1::1/64 dev va nodad",
    "ip link set vb up",
    "ip route add 10.244.2.0/24 via 10.244.1.9 dev va",
    "ip route add fd00:2::/64 via fd00:1::9 dev va",
    "ip neigh add 10.244.1.9 lladdr 02:00:00:00:00:09 dev va",
    "ip nexthop add id 7 via 10.244.1.9 dev va",
    "ip nexthop replace id 7 via 10.244.1.8 dev va",
    "ip rule add from 10.244.1.1 table 10",
    "ip -6 rule add from fd00:1::1 table 10",
    "ip link del va"
  };

  private final Semaphore told = new Semaphore(0);

  @Test
  @SuppressWarnings("try") // TestNamespace.close() may be interrupted: then the test fails.
  void everyChangeIsToldUntilClosed() throws Exception {
    try (TestNamespace namespace = TestNamespace.create();
        NetNamespace ours = NetNamespace.named(Libc.system(), namespace.name())) {
      Netlink netlink = Netlink.open(Libc.system(), ours);
      AutoCloseable watch = netlink.watch(told::release);
      for (String change : CHANGES) {
        quiet();
        namespace.run(change.split(" "));
        assertTrue(told.tryAcquire(10, TimeUnit.SECONDS), change);
      }
      netlink.close(); // The watch outlives it.
      quiet();
      namespace.run("ip", "link", "add", "br0", "type", "bridge");
      assertTrue(told.tryAcquire(10, TimeUnit.SECONDS));
      long before = System.nanoTime();
      watch.close();
      assertTrue(System.nanoTime() - before < TimeUnit.SECONDS.toNanos(5));
      told.drainPermits();
      namespace.run("ip", "link", "del", "br0");
      assertFalse(told.tryAcquire(200, TimeUnit.MILLISECONDS));
    }
  }

  /** Waits until 300 ms pass without news (IPv6 comes up bit by bit), and forgets the old. */
  private void quiet() throws InterruptedException {
    while (told.tryAcquire(300, TimeUnit.MILLISECONDS)) {
      told.drainPermits();
    }
  }
}
