// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.Libc;
import java.lang.System.Logger.Level;

/**
 * Tells a listener that links, addresses, routes or neighbours changed. A thread of its own waits
 * on a socket of its own; a burst is told once.
 */
final class LinkMonitor implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(LinkMonitor.class.getName());

  /**
   * RTNLGRP_IPV6_RULE, and what tells of forwarding and rp_filter: _IPV4_NETCONF, _IPV6_NETCONF.
   */
  private static final int IPV6_RULE_AND_SETTINGS = 1 << (19 - 1) | 1 << (24 - 1) | 1 << (25 - 1);

  /**
   * RTNLGRP_NEXTHOP: who changes such an object changes the routes through it, which say nothing.
   */
  private static final int NEXTHOP_OBJECTS = 1 << (32 - 1);

  /** RTMGRP_LINK, NEIGH, IPV4_IFADDR, _ROUTE, _RULE, IPV6_IFADDR, _ROUTE. */
  private static final int GROUPS =
      0x1 | 0x4 | 0x10 | 0x40 | 0x80 | 0x100 | 0x400 | IPV6_RULE_AND_SETTINGS | NEXTHOP_OBJECTS;

  /** Room for some thousand messages; when even this overflows, ENOBUFS says so. */
  private static final int QUEUE_BYTES = 4 << 20;

  /** In an endless storm the listener still hears of it now and then. */
  private static final int MOST_AT_ONCE = 10_000;

  private static final long RETRY_MS = 100;

  private final NetlinkSocket socket;
  private final Runnable listener;
  private final Thread thread;
  private volatile boolean closed;

  private LinkMonitor(NetlinkSocket socket, Runnable listener) {
    this.socket = socket;
    this.listener = listener;
    this.thread =
        Thread.ofPlatform().name("culvert-netlink-monitor").daemon(true).unstarted(this::listen);
  }

  /** Starts in the calling thread's namespace; whatever happens after the return is told. */
  static LinkMonitor start(Libc libc, Runnable listener) {
    LinkMonitor monitor = new LinkMonitor(NetlinkSocket.open(libc, GROUPS, QUEUE_BYTES), listener);
    monitor.thread.start();
    return monitor;
  }

  private void listen() {
    try (socket) {
      while (!closed) {
        long received = socket.await();
        if (closed) {
          return;
        }
        if (received < 0 && received != -Errno.ENOBUFS.number()) {
          LOG.log(Level.WARNING, "recvfrom on netlink socket: {0}", Errno.of((int) -received));
          Thread.sleep(RETRY_MS); // Out of memory passes; meanwhile something may be missed.
        }
        drain();
        tell();
      }
    } catch (InterruptedException ended) {
      Thread.currentThread().interrupt();
    }
  }

  private void drain() {
    for (int i = 0; i < MOST_AT_ONCE; i++) {
      long received = socket.poll();
      if (received < 0 && received != -Errno.ENOBUFS.number()) {
        return;
      }
    }
  }

  private void tell() {
    try {
      listener.run();
    } catch (RuntimeException failed) {
      LOG.log(Level.ERROR, "The listener for network changes failed; it stays subscribed", failed);
    }
  }

  /** Stops. When this returns, the listener does not run and will not, unless it called us. */
  @Override
  public void close() {
    closed = true;
    if (Thread.currentThread() == thread) {
      return;
    }
    socket.wake();
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException later) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
