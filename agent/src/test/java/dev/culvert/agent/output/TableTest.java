// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.output;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class TableTest {
  @Test
  void alignsColumnsAndSetsNumbersToTheRight() {
    Table table = new Table("VERDICT", "PACKETS", "MEANING");
    table.row("ENCAPSULATED", 7, "to another host").row("PASSED", 12345678L, null);

    assertEquals(
        """
        VERDICT        PACKETS  MEANING
        ENCAPSULATED         7  to another host
        PASSED        12345678  -
        """,
        table.render());
  }

  @Test
  void leavesAColumnWithoutAnyNumberOnTheLeft() {
    assertEquals("IF   B\n-    1\n", new Table("IF ", "B").row(null, 1).render());
  }

  @Test
  void refusesARowOfAnotherLength() {
    assertThrows(IllegalArgumentException.class, () -> new Table("A", "B").row(1));
  }
}
