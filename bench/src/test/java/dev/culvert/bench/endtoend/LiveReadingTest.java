// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Counter;
import dev.culvert.lab.LabException;
import org.junit.jupiter.api.Test;

class LiveReadingTest {
  /** Of kernel 6.18; the second device's first number touches the colon, as long ones do. */
  private static final String PROC_NET_DEV =
      """
      Inter-|   Receive                                                |  Transmit
       face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
          lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
        eth0:12345678901    4567    0    0    0     0          0         0     1006      13    0    0    0     0       0          0
      """;

  @Test
  void whatTheUnderlayDeviceReceived() {
    assertEquals(new Counter(4567, 12_345_678_901L), LiveReading.deviceCounter(PROC_NET_DEV));
    assertThrows(
        LabException.class, () -> LiveReading.deviceCounter(PROC_NET_DEV.replace("eth0", "eth01")));
  }

  @Test
  void aTurnIsWhatLiesBetweenTwoReadings() {
    LiveReading turn =
        new LiveReading(1100, 350_000, new Counter(1050, 160_000))
            .minus(new LiveReading(100, 50_000, new Counter(50, 10_000)));
    assertEquals(300, turn.meanNs());
    assertEquals(150, turn.meanBytes());
    assertTrue(turn.didItsWork());
  }

  @Test
  void runsThatDidSomethingElseAreNoMeasurement() {
    assertFalse(new LiveReading(1000, 1, new Counter(949, 1)).didItsWork());
    assertFalse(new LiveReading(0, 0, new Counter(0, 0)).didItsWork());
  }
}
