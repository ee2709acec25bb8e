// SPDX-License-Identifier: Apache-2.0
package dev.culvert.store.etcd;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.BooleanSupplier;

/** For what an etcd, or who watches it, does in a moment. */
final class Waiting {
  private static final int SECONDS = 20;
  private static final int STEP_MS = 50;

  private Waiting() {}

  static void await(String what, BooleanSupplier condition) throws InterruptedException {
    await(what, SECONDS, condition);
  }

  static void await(String what, int seconds, BooleanSupplier condition)
      throws InterruptedException {
    for (int i = 0; i < seconds * 1000 / STEP_MS && !condition.getAsBoolean(); i++) {
      Thread.sleep(STEP_MS);
    }
    assertTrue(condition.getAsBoolean(), what);
  }
}
