// SPDX-License-Identifier: Apache-2.0
package dev.culvert.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.culvert.lab.LabException;
import org.junit.jupiter.api.Test;

/** What iperf3 3.12, sockperf 3.7 and the kernel print. */
class ParsingTest {
  @Test
  void thePercentilesOfSockperf() {
    String text =
        """
        sockperf: [Valid Duration] RunTime=0.550 sec; SentMessages=3790; ReceivedMessages=3790
        sockperf: ====> avg-rtt=144.907 (std-dev=57.215)
        sockperf: ---> <MAX> observation = 1534.271
        sockperf: ---> percentile 99.900 =  900.111
        sockperf: ---> percentile 99.000 =  347.812
        sockperf: ---> percentile 50.000 =  139.020
        """;
    assertEquals(139.02, Sockperf.percentile(text, "50.000"));
    assertEquals(900.111, Sockperf.percentile(text, "99.900"));
    LabException e =
        assertThrows(
            LabException.class, () -> Sockperf.percentile("sockperf: ERROR: no socket", "50.000"));
    assertEquals("sockperf says: sockperf: ERROR: no socket", e.getMessage());
  }

  @Test
  void theDatagramsOfIperf3() {
    Iperf.Datagrams datagrams =
        Iperf.parseDatagrams(
            """
            {"end": {"streams": [{"udp": {"packets": 1000}}],
              "sum": {"start": 0, "end": 1.25, "seconds": 1.25, "bytes": 64000,
                "jitter_ms": 0.003, "lost_packets": 200, "packets": 1000, "lost_percent": 20}}}
            """);
    assertEquals(new Iperf.Datagrams(1000, 200, 1.25), datagrams);
  }

  @Test
  void aTransferOfIperf3() {
    Iperf.Transfer transfer =
        Iperf.parse(
            """
            {"start": {"version": "iperf 3.12"}, "intervals": [],
             "end": {"streams": [],
              "sum_sent": {"start": 0, "end": 1.000043, "seconds": 1.000043, "bytes": 1250426880,
                "bits_per_second": 10002984943.9, "retransmits": 12, "sender": true},
              "sum_received": {"start": 0, "end": 1.000313, "seconds": 1.25, "bytes": 1250000000,
                "bits_per_second": 8000000000.0, "sender": true},
              "cpu_utilization_percent": {"host_total": 61.9}}}
            """);
    assertEquals(new Iperf.Transfer(1_250_000_000, 1.25, 12), transfer);
    assertEquals(8, transfer.gigabitsPerSecond());
  }

  @Test
  void aSenderThatCannotCountRetransmissions() {
    Iperf.Transfer transfer =
        Iperf.parse(
            """
            {"end": {"sum_sent": {"bytes": 10}, "sum_received": {"bytes": 10, "seconds": 2}}}
            """);
    assertEquals(-1, transfer.retransmissions());
  }

  /** iperf3 3.12 with several streams; a key twice is no JSON. */
  @Test
  void keysThatIperf3Repeats() {
    Iperf.Transfer transfer =
        Iperf.parse(
            """
            {"start": {"target_bitrate":	0,
                "sock_bufsize":	0,
                "sndbuf_actual":	16384,
                "rcvbuf_actual":	131072,
                "sock_bufsize":	0,
                "sndbuf_actual":	16384,
                "rcvbuf_actual":	131072,
                "test_start": {"num_streams": 2}},
             "end": {"sum_sent": {"bytes": 10, "retransmits": 3},
               "sum_received": {"bytes": 10, "seconds": 2}}}
            """);
    assertEquals(3, transfer.retransmissions());
  }

  @Test
  void iperf3sOwnWordsWhenItFails() {
    LabException e =
        assertThrows(
            LabException.class,
            () ->
                Iperf.parse(
                    """
                    {"start": {}, "intervals": [], "end": {}, "error": "unable to connect"}
                    """));
    assertEquals("iperf3 says: unable to connect", e.getMessage());
    assertThrows(LabException.class, () -> Iperf.parse("iperf3: error"));
  }

  /** proc(5): user nice system idle iowait irq softirq steal guest guest_nice. */
  @Test
  void processorTimeIsAllButWaiting() {
    assertEquals(
        (100 + 20 + 3 + 4000 + 50000) / 100.0,
        ProcessorTime.busySeconds("cpu  100 20 3 777 888 4000 50000 999 1 1\ncpu0 1 1 1 1\n"));
    assertThrows(IllegalArgumentException.class, () -> ProcessorTime.busySeconds("intr 5\n"));
  }
}
