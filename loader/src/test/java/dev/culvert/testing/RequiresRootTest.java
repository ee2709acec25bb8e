// SPDX-License-Identifier: Apache-2.0
package dev.culvert.testing;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

final class RequiresRootTest {
  @Test
  void rootRuns() {
    assertFalse(RequiresRootCondition.decide(true, null, "t").isDisabled());
    assertFalse(RequiresRootCondition.decide(true, "", "t").isDisabled());
  }

  @Test
  void othersSkip() {
    assertTrue(RequiresRootCondition.decide(false, null, "t").isDisabled());
    assertTrue(RequiresRootCondition.decide(false, "false", "t").isDisabled());
  }

  @Test
  void othersFailWhenAllIsRequired() {
    for (String set : new String[] {"", "true"}) {
      IllegalStateException e =
          assertThrows(
              IllegalStateException.class, () -> RequiresRootCondition.decide(false, set, "t"));
      assertTrue(e.getMessage().contains("needs root"), e.getMessage());
    }
  }
}
