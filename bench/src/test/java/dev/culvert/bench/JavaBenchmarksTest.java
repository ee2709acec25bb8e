// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class JavaBenchmarksTest {
  private static Duration planned(String... args) throws Exception {
    return JavaBenchmarks.planned(JavaBenchmarks.options(JavaBenchmarks.words(args)));
  }

  private static void assertSeconds(double expected, String... args) throws Exception {
    assertEquals(expected, planned(args).toMillis() / 1e3, 0.01);
  }

  /** What "./dev help" and docs/benchmarks.md say, with room for the comparison with C. */
  @Test
  void allOfItEndsInTheTimeThatThePagesTell() throws Exception {
    Duration all = planned();
    assertTrue(all.compareTo(Duration.ofMinutes(14)) < 0, all::toString);
    Duration quick = planned("--quick");
    assertTrue(quick.compareTo(Duration.ofMinutes(7)) < 0, quick::toString);
    assertTrue(quick.compareTo(Duration.ofMinutes(2)) > 0, quick::toString);
  }

  @Test
  void oneBenchmarkByItsAnnotations() throws Exception {
    // Two forks, each of 5 iterations to warm up and 5 that count, half a second long.
    assertSeconds(2 * (2.5 + 5), "SubnetBenchmark.encode");
    assertSeconds(4 * 2 * (2.5 + 5), "MapBenchmark.batch");
  }

  @Test
  void optionsOverruleAnnotations() throws Exception {
    assertSeconds(4 * (2.5 + 3 + 1.5), "--quick", "MapBenchmark.batch");
    assertSeconds(2.5 + 3 + 1.5, "--quick", "MapBenchmark.batch", "-p", "type=HASH");
    assertSeconds(
        3 * (2.5 + 2 * 3),
        "MapBenchmark.batch",
        "-p",
        "type=HASH",
        "-f",
        "3",
        "-wi",
        "1",
        "-w",
        "3",
        "-i",
        "1",
        "-r",
        "3");
  }

  @Test
  void whatIsTimedByItselfHasNoLengthOfIterations() throws Exception {
    assertSeconds(3 * (2.5 + 20 * 1.5), "LargeReconciliation");
    assertSeconds(3 * (2.5 + 6 * 1.5), "--quick", "LargeReconciliation");
  }

  @Test
  void timesReadAsOneWouldSayThem() {
    assertEquals("89 seconds", JavaBenchmarks.inWords(Duration.ofSeconds(89)));
    assertEquals("9 minutes", JavaBenchmarks.inWords(Duration.ofSeconds(539)));
  }
}
