// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import dev.culvert.agent.config.AgentConfig;
import dev.culvert.control.OverlayConfig;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.netlink.NatRule;
import dev.culvert.kernel.netlink.NfTables;
import java.time.Duration;
import java.util.List;

/**
 * What the host's firewall drops of ours, looked at again when somebody asks and some seconds have
 * passed: service rules can be many. Any thread may ask.
 */
public final class Firewall {
  /** The host's own in the overlay. */
  public static final InterfaceName DEVICE = new InterfaceName("culvert0");

  private static final Duration STALE = Duration.ofSeconds(5);

  private final Libc libc;
  private final NfTables.Wanted wanted;
  private List<String> drops = List.of();
  private long lookedAtNs;
  private boolean looked;

  Firewall(Libc libc, AgentConfig config) {
    this.libc = libc;
    this.wanted = wanted(config);
  }

  /** What must get through so that a host of this configuration works. */
  public static NfTables.Wanted wanted(AgentConfig config) {
    return new NfTables.Wanted(
        config.port(),
        DEVICE,
        config.masquerade().isEmpty()
            ? List.of()
            : config.networks().stream()
                .map(OverlayConfig.Network::prefix)
                .map(network -> new NatRule.Prefix(network.address(), network.length()))
                .toList());
  }

  /** One sentence for each chain that does. */
  synchronized List<String> drops() {
    long now = System.nanoTime();
    if (!looked || now - lookedAtNs > STALE.toNanos()) {
      drops = NfTables.dropsOf(libc, wanted);
      looked = true;
      lookedAtNs = now;
    }
    return drops;
  }
}
