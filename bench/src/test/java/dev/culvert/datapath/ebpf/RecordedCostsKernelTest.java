// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.culvert.bench.Baseline;
import dev.culvert.testing.RequiresRoot;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** No program has grown and no path allocates more than when the baseline was recorded. */
@Tag("kernel")
@RequiresRoot
class RecordedCostsKernelTest {
  /** What is real costs every time; what a busy machine added, it will not add three times. */
  private static final int ATTEMPTS = 3;

  @Test
  void nothingCostsMoreThanRecorded() throws Exception {
    Baseline baseline = Baseline.parse(Files.readAllLines(Path.of("baseline.csv")));
    Map<String, Double> least = new HashMap<>();
    List<String> complaints = List.of();
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      RecordedCosts.measure().forEach((name, value) -> least.merge(name, value, Math::min));
      complaints = baseline.complaints(least);
      if (complaints.isEmpty()) {
        return;
      }
    }
    assertEquals("", String.join("\n", complaints));
  }
}
