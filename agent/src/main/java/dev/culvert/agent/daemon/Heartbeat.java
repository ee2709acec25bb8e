// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import java.time.Duration;
import java.util.function.BooleanSupplier;

/**
 * Tells the service manager that we live, as long as that is true: the thread that follows the
 * other hosts comes back to its mailbox. Without a manager that watches it does nothing.
 */
final class Heartbeat implements AutoCloseable {
  /** Of the manager's patience: sd_watchdog_enabled(3) asks for half of it at most. */
  private static final int BEATS = 3;

  private final Thread thread;

  private Heartbeat(Thread thread) {
    this.thread = thread;
  }

  /** Begins to tell; {@code lives} is asked on a thread of its own. */
  static Heartbeat start(ServiceManager manager, BooleanSupplier lives) {
    Thread thread =
        Thread.ofPlatform()
            .daemon()
            .name("culvert-heartbeat")
            .unstarted(() ->
                manager
                    .watchdog()
                    .ifPresent(patience -> beat(manager, patience.dividedBy(BEATS), lives)));
    thread.start();
    return new Heartbeat(thread);
  }

  private static void beat(ServiceManager manager, Duration period, BooleanSupplier lives) {
    try {
      while (true) {
        if (lives.getAsBoolean()) {
          manager.alive();
        }
        Thread.sleep(period);
      }
    } catch (InterruptedException closed) {
      // Nobody needs to hear that we end.
    }
  }

  @Override
  public void close() {
    thread.interrupt();
  }
}
