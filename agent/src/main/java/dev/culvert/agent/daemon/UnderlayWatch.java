// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import dev.culvert.agent.config.AgentConfig;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.netlink.Netlink;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Follows the underlay interface's address, where the configuration names none: another address
 * means that this host moves.
 */
final class UnderlayWatch implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger("dev.culvert.agent");

  private final AgentConfig.Underlay underlay;
  private final Consumer<InetAddress> moved;
  private final Netlink netlink;
  private final AutoCloseable watch;
  private InetAddress current; // guarded by this

  private UnderlayWatch(
      AgentConfig.Underlay underlay,
      InetAddress current,
      Consumer<InetAddress> moved,
      Netlink netlink) {
    this.underlay = underlay;
    this.current = current;
    this.moved = moved;
    this.netlink = netlink;
    this.watch = netlink.watch(this::look);
  }

  /**
   * Starts in the calling thread's network namespace.
   *
   * @param current the address in use
   * @param moved told of each other address, on a thread of this watch
   */
  static UnderlayWatch start(
      Libc libc, AgentConfig.Underlay underlay, InetAddress current, Consumer<InetAddress> moved) {
    Netlink netlink = Netlink.open(libc);
    try {
      UnderlayWatch started = new UnderlayWatch(underlay, current, moved, netlink);
      started.look(); // it may have changed since it was chosen
      return started;
    } catch (RuntimeException e) {
      netlink.close();
      throw e;
    }
  }

  private synchronized void look() {
    Optional<InetAddress> now =
        UnderlayAddress.follow(underlay, current, netlink.links(), netlink.lastingAddresses());
    if (now.isEmpty() || now.get().equals(current)) {
      return;
    }
    LOG.log(
        Level.INFO,
        "The underlay address {0} has become {1}: moving there.",
        IpAddresses.text(current),
        IpAddresses.text(now.get()));
    moved.accept(now.get());
    current = now.get();
  }

  @Override
  public void close() {
    try (netlink) {
      watch.close();
    } catch (Exception e) {
      LOG.log(Level.WARNING, "The watch of the underlay address did not close", e);
    }
  }
}
