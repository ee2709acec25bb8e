// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.chaos;

/** What every thread of a simulated agent passes, and waits at while the agent is frozen. */
final class Gate {
  private boolean shut;

  synchronized void shut() {
    shut = true;
  }

  synchronized void open() {
    shut = false;
    notifyAll();
  }

  /** Not to be interrupted, as a stopped process is not. */
  synchronized void pass() {
    boolean interrupted = false;
    while (shut) {
      try {
        wait();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
