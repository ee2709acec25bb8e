// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** {@link MapCalls} under JMH, for its profilers: time and bytes for one entry. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
public class MapBenchmark {
  @Param({"HASH", "LPM_TRIE", "ARRAY", "PERCPU_ARRAY"})
  public String type;

  private MapCalls calls;

  @Setup
  public void load() {
    calls = new MapCalls(MapCalls.Type.valueOf(type));
  }

  @TearDown
  public void close() {
    calls.close();
  }

  @Benchmark
  @OperationsPerInvocation(MapCalls.ENTRIES)
  public void lookup() {
    calls.lookup();
  }

  @Benchmark
  @OperationsPerInvocation(MapCalls.ENTRIES)
  public void update() {
    calls.update();
  }

  @Benchmark
  @OperationsPerInvocation(MapCalls.ENTRIES)
  public void batch() {
    calls.batch();
  }
}
