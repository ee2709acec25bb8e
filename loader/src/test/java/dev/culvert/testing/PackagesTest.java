// SPDX-License-Identifier: Apache-2.0
package dev.culvert.testing;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** The rules themselves, on {@code circle}: left and right know each other, and both know below. */
class PackagesTest {
  private static final String ROOT = "dev.culvert.testing.circle";
  private static final String OTHERS = "dev.culvert.[kernel|datapath|testing]..";

  private final Packages packages = Packages.of(PackagesTest.class);

  @Test
  void findsACircle() {
    AssertionError e = assertThrows(AssertionError.class, () -> packages.assertNoCircle(ROOT));
    assertTrue(e.getMessage().contains(ROOT + ".left"), e.getMessage());
  }

  @Test
  void findsNoneWhereThereIsNone() {
    packages.assertNoCircle(ROOT + ".below");
  }

  @Test
  void findsWhoKnowsAHigherFloor() {
    AssertionError e =
        assertThrows(
            AssertionError.class,
            () ->
                packages.assertDescends(ROOT + ".left", ROOT + ".right", ROOT + ".below", OTHERS));
    assertTrue(e.getMessage().contains(ROOT + ".right knows " + ROOT + ".left="), e.getMessage());
  }

  @Test
  void findsWhatIsOnNoFloor() {
    AssertionError e =
        assertThrows(AssertionError.class, () -> packages.assertDescends(ROOT + ".left"));
    assertTrue(e.getMessage().contains(ROOT + ".below is on no floor"), e.getMessage());
  }

  @Test
  void oneFloorMayHaveSeveralRooms() {
    packages.assertDescends(ROOT + ".[left|right]", ROOT + ".below", OTHERS);
  }
}
