// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Text as tcpdump 4.99.3 prints it. */
class CaptureTest {
  @Test
  void innerPacketsStayWithTheirOuterOnes() {
    String text =
        """
        ARP, Request who-has 10.17.2.1 tell 10.17.2.2, length 28
        IP 10.17.2.2.52602 > 10.18.2.2.4789: VXLAN, flags [I] (0x08), vni 1
        IP 10.244.1.4 > 10.244.2.4: ICMP echo request, id 9616, seq 1, length 64
        IP 10.17.2.2 > 10.18.2.2: ICMP echo request, id 1, seq 1, length 64
        """;
    assertEquals(
        List.of(
            "ARP, Request who-has 10.17.2.1 tell 10.17.2.2, length 28",
            "IP 10.17.2.2.52602 > 10.18.2.2.4789: VXLAN, flags [I] (0x08), vni 1"
                + " { IP 10.244.1.4 > 10.244.2.4: ICMP echo request, id 9616, seq 1, length 64 }",
            "IP 10.17.2.2 > 10.18.2.2: ICMP echo request, id 1, seq 1, length 64"),
        Capture.joined(text));
  }
}
