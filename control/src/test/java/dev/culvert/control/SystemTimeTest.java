// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SystemTimeTest {
  @TempDir Path folder;

  /** As Linux writes it: seconds since boot, sleep included, and idle seconds of all CPUs. */
  @Test
  void theUptimeIsReadToTheHundredthOfASecond() throws Exception {
    Path uptime = Files.writeString(folder.resolve("uptime"), "3126.81 961.75\n");
    SystemTime time = new SystemTime(uptime);
    assertEquals(Duration.ofMillis(3_126_810), time.elapsed());
    Thread.sleep(10); // longer than the clock's step: less, and it is not read again
    Files.writeString(uptime, "3126.90 961.75\n");
    assertEquals(Duration.ofMillis(3_126_900), time.elapsed());
  }

  @Test
  void itGoesOn() throws Exception {
    for (TimeSource time :
        new TimeSource[] {TimeSource.system(), new SystemTime(folder.resolve("none"))}) {
      Duration before = time.elapsed();
      Thread.sleep(60);
      Duration passed = time.elapsed().minus(before);
      assertTrue(passed.toMillis() >= 40, passed.toString());
    }
  }

  @Test
  void awayIsWhoHasNotSaidAnythingForLongerThanANap() {
    ManualClock clock = new ManualClock();
    Wakefulness wakefulness = new Wakefulness(clock.instant());
    clock.advance(Wakefulness.NAP);
    assertEquals(false, wakefulness.beat(clock.instant()));
    clock.advance(Wakefulness.NAP.plusMillis(1));
    assertEquals(true, wakefulness.beat(clock.instant()));
    assertEquals(false, wakefulness.beat(clock.instant()));
  }
}
