// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.netlink.NfTables;
import java.time.Duration;
import java.util.List;

/**
 * What the host's firewall drops of ours, looked at again when somebody asks and some seconds have
 * passed: service rules can be many. Any thread may ask.
 */
final class Firewall {
  private static final InterfaceName DEVICE = new InterfaceName("culvert0");
  private static final Duration STALE = Duration.ofSeconds(5);

  private final Libc libc;
  private final int port;
  private List<String> drops = List.of();
  private long lookedAtNs;
  private boolean looked;

  Firewall(Libc libc, int port) {
    this.libc = libc;
    this.port = port;
  }

  /** One sentence for each chain that does. */
  synchronized List<String> drops() {
    long now = System.nanoTime();
    if (!looked || now - lookedAtNs > STALE.toNanos()) {
      drops = NfTables.dropsOf(libc, port, DEVICE);
      looked = true;
      lookedAtNs = now;
    }
    return drops;
  }
}
