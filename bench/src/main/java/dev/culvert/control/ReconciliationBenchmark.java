// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Warmup;

/** {@link Reconciliation} of networks that take far less than an iteration. */
@BenchmarkMode(Mode.AverageTime)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class ReconciliationBenchmark extends Reconciliation {
  @Param({"10", "1000"})
  public int subnets;

  @Override
  int subnets() {
    return subnets;
  }
}
