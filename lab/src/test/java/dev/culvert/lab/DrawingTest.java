// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.culvert.lab.LabPlan.Underlay;
import org.junit.jupiter.api.Test;

class DrawingTest {
  private static String draw(int hosts, int containers, Underlay underlay) {
    return String.join("\n", Drawing.of(new LabPlan("culvert-", hosts, containers, underlay)));
  }

  @Test
  void standardLab() {
    assertEquals(
        """
        container-1 10.244.1.2 ─┐
        container-2 10.244.1.3 ─┼─ host-01  subnet 10.244.1.0/24  underlay 10.17.2.2 ─── 10.17.2.1 ─┐
        container-3 10.244.1.4 ─┘                                                                   │
                                                                                                    ├─ router, which knows nothing of 10.244.0.0/16
        container-4 10.244.2.2 ─┐                                                                   │
        container-5 10.244.2.3 ─┼─ host-02  subnet 10.244.2.0/24  underlay 10.18.2.2 ─── 10.18.2.1 ─┘
        container-6 10.244.2.4 ─┘\
        """,
        draw(2, 6, Underlay.ROUTED));
  }

  @Test
  void flatLabOfThree() {
    assertEquals(
        """
        container-1 10.244.1.2 ─── host-01  subnet 10.244.1.0/24  underlay 192.168.0.232 ───┐
                                                                                            │
        container-2 10.244.2.2 ─── host-02  subnet 10.244.2.0/24  underlay 192.168.0.50 ────┼─ one network, 192.168.0.0/24
                                                                                            │
        container-3 10.244.3.2 ─── host-03  subnet 10.244.3.0/24  underlay 192.168.0.51 ────┘\
        """,
        draw(3, 3, Underlay.FLAT));
  }

  @Test
  void loneHost() {
    assertEquals(
        "  ─ host-01  subnet 10.244.1.0/24  underlay 10.17.2.2 ─── 10.17.2.1 ──"
            + "─ router, which knows nothing of 10.244.0.0/16",
        draw(1, 0, Underlay.ROUTED));
  }
}
