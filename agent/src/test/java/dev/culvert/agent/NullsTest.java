// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.control.Overlay;
import dev.culvert.testing.Doors;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Null is refused at the door of all that control exports, by the parameter's name. */
final class NullsTest {
  @Test
  void noPublicMethodOrConstructorTakesNull() throws Exception {
    assertTrue(Doors.count(Overlay.class) > 150, "methods looked at");
    assertEquals(List.of(), Doors.open(Overlay.class));
  }
}
