// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.Libc;
import dev.culvert.testing.RequiresRoot;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The real kernel counts while it is told to. */
@Tag("kernel")
@RequiresRoot
final class RunStatisticsKernelTest {
  private static final int RUNS = 1000;
  private static final String ELSEWHERE =
      "another program, or the sysctl kernel.bpf_stats_enabled, has statistics on";

  private final Libc libc = Libc.system();

  /** One by one, so that no signal ends a long run early and has it begun again. */
  private static void run(BpfProgram program) {
    for (int i = 0; i < RUNS; i++) {
      assertEquals(42, program.testRun(new byte[60], new byte[0], 1).returnValue());
    }
  }

  @Test
  void runsAreCountedUntilItIsClosed() {
    BpfObjectSpec spec = TestObjects.spec("sample").withGlobal("answer", 42);
    try (BpfObject object = BpfObject.load(libc, spec, Map.of())) {
      BpfProgram program = object.program("answers");
      run(program);
      assertEquals(0, program.info().runCount(), ELSEWHERE);
      try (RunStatistics _ = RunStatistics.enable(libc)) {
        run(program);
      }
      BpfProgram.Info counted = program.info();
      assertEquals(RUNS, counted.runCount());
      double meanNs = (double) counted.runTimeNs() / RUNS;
      assertTrue(meanNs > 0.1 && meanNs < 1e6, () -> meanNs + " ns a run");
      run(program);
      assertEquals(counted, program.info(), ELSEWHERE);
    }
  }
}
