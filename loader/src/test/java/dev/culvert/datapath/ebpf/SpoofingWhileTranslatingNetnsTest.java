// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Counter;
import dev.culvert.datapath.Verdict;
import dev.culvert.testing.RequiresRoot;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;

/**
 * The same attacks while host 1 translates for the neighbour: the forged packets that seem to come
 * from the other host's container bear the very addresses and ports that answers to the neighbour
 * have, and are left to the stack no more than before.
 */
@RequiresRoot
@Tag("netns")
class SpoofingWhileTranslatingNetnsTest extends SpoofingNetnsTest {
  /** An address that host 1 translates to 10.244.2.2. */
  private static final String SERVICE = "10.96.0.10";

  @BeforeAll
  static void translate() throws Exception {
    heardNearby.tell(SERVICE);
    assertTrue(isTranslated(), "the honest answer has taken the fast path");
  }

  /** Whether answers to the neighbour are left to the stack by now. */
  private static boolean isTranslated() throws Exception {
    for (int i = 0; i < 50; i++) {
      Map<Verdict, Counter> before = first.counters();
      assertEquals("sent good", underlay.ask("good"));
      assertEquals("good", heardNearby.read());
      if (first.counters().get(Verdict.SLOW_PATH).packets()
          > before.get(Verdict.SLOW_PATH).packets()) {
        return true;
      }
      Thread.sleep(20);
    }
    return false;
  }
}
