// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.net;

import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** The kernel takes namespaces down in the background, after whoever removed one was answered. */
final class Waiting {
  private static final long PATIENCE_NS = 10_000_000_000L;
  private static final long GLANCE_NS = 20_000_000;

  private Waiting() {}

  /** Looks again and again for ten seconds at most. */
  static boolean until(BooleanSupplier condition) {
    long start = System.nanoTime();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - start > PATIENCE_NS) {
        return false;
      }
      LockSupport.parkNanos(GLANCE_NS);
    }
    return true;
  }
}
