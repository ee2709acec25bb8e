// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** Texts as iputils 20221126 prints them. */
class ProbesTest {
  @Test
  void answersAreCounted() {
    Probes.Ping ping =
        Probes.parsePing(
            """
            PING 10.244.2.4 (10.244.2.4) 56(84) bytes of data.
            64 bytes from 10.244.2.4: icmp_seq=1 ttl=62 time=0.285 ms

            --- 10.244.2.4 ping statistics ---
            3 packets transmitted, 1 received, 66.6667% packet loss, time 2040ms
            """);
    assertEquals(new Probes.Ping(3, 1, ""), ping);
    assertFalse(ping.all());
    assertEquals("1 of 3 answers", ping.text());
  }

  @Test
  void routersComplaintIsKept() {
    Probes.Ping ping =
        Probes.parsePing(
            """
            PING 10.244.2.4 (10.244.2.4) 56(84) bytes of data.
            From 10.17.2.1 icmp_seq=1 Destination Net Unreachable

            --- 10.244.2.4 ping statistics ---
            1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms
            """);
    assertEquals("0 of 1 answers (Destination Net Unreachable)", ping.text());
  }

  @Test
  void nothingSentIsNotEverythingAnswered() {
    assertFalse(new Probes.Ping(0, 0, "").all());
    assertTrue(new Probes.Ping(2, 2, "").all());
  }

  @Test
  void whatPingCannotDoIsSaid() {
    LabException e =
        assertThrows(
            LabException.class, () -> Probes.parsePing("ping: connect: Network is unreachable\n"));
    assertEquals("ping said: ping: connect: Network is unreachable", e.getMessage());
  }
}
