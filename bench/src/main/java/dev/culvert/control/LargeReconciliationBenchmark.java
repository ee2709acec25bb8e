// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.Warmup;

/**
 * {@link Reconciliation} of 100,000 subnets, which takes about a second: each is timed by itself,
 * where iterations of a given time would hold one or two.
 */
@BenchmarkMode(Mode.SingleShotTime)
@Warmup(iterations = 5)
@Measurement(iterations = 15)
public class LargeReconciliationBenchmark extends Reconciliation {
  private static final int SUBNETS = 100_000;

  @Override
  int subnets() {
    return SUBNETS;
  }
}
