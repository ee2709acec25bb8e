// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.bench.ResultTable;
import dev.culvert.bench.Spread;
import dev.culvert.lab.LabState;
import dev.culvert.lab.Progress;
import dev.culvert.testing.RequiresRoot;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** One round, a second a turn. */
@Tag("netns")
@RequiresRoot
class LiveProgramsNetnsTest {
  /** 64 bytes of payload behind the headers of UDP, IPv4 and Ethernet. */
  private static final int SMALL_BYTES = 64 + 8 + 20 + 14;

  /** Of 1450 bytes behind the Ethernet header. */
  private static final int FRAME_BYTES = 1464;

  private static Spread cell(ResultTable table, int column, String... names) {
    return table.rows().stream()
        .filter(row -> row.names().equals(List.of(names)))
        .map(row -> row.cells().get(column))
        .flatMap(Optional::stream)
        .findFirst()
        .orElseThrow(() -> new AssertionError(String.join(", ", names) + "\n" + table.text()));
  }

  private static double bytes(ResultTable table, String... names) {
    return cell(table, 1, names).median();
  }

  @Test
  void everyProgramIsSeenWithTheTrafficThatIsMeantForIt() {
    Progress silent = new Progress(new PrintWriter(Writer.nullWriter()));
    ResultTable table = LivePrograms.measure(silent, 1, Duration.ofSeconds(1));

    // Two ways, of which one has strip_at_xdp besides.
    assertEquals(5 * LiveTraffic.values().length, table.rows().size(), table::text);
    for (ResultTable.Row row : table.rows()) {
      double ns = row.cells().getFirst().orElseThrow().median();
      assertTrue(ns > 10 && ns < 100_000, () -> row.toString());
    }
    for (String program : List.of("from_container", "from_underlay")) {
      assertEquals(SMALL_BYTES, bytes(table, "UDP, 64 bytes", program, "culvert-tc"), 1);
      assertTrue(bytes(table, "TCP, frames", program, "culvert-tc") <= FRAME_BYTES, table::text);
      double large = bytes(table, "TCP, superpackets", program, "culvert-tc");
      assertTrue(large > 5 * FRAME_BYTES, table::text);
    }
    assertTrue(
        bytes(table, "TCP, frames, merged", "from_underlay", "culvert-xdp") > 2 * FRAME_BYTES,
        table::text);
    assertTrue(
        bytes(table, "TCP, frames, merged", "strip_at_xdp", "culvert-xdp") <= FRAME_BYTES + 36,
        table::text);
    assertFalse(Files.exists(LabState.DIRECTORY));
  }
}
