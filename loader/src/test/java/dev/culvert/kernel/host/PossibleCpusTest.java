// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

/** What /sys/devices/system/cpu/possible says. */
final class PossibleCpusTest {
  @Test
  void possibleCpusAreCounted() {
    assertEquals(1, PossibleCpus.count("0\n"));
    assertEquals(128, PossibleCpus.count("0-127\n"));
    assertEquals(6, PossibleCpus.count("0-3,8,10\n"));
    assertThrows(IllegalArgumentException.class, () -> PossibleCpus.count("all"));
  }
}
