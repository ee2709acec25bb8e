// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.testing.Doors;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Null is refused at the door of all that this module exports, by the parameter's name. */
final class NullsTest {
  @Test
  void noPublicMethodOrConstructorTakesNull() throws Exception {
    assertTrue(Doors.count(Datapath.class) > 400, "methods looked at");
    assertEquals(List.of(), Doors.open(Datapath.class));
  }
}
