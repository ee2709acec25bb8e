// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class LastResortTest {
  private final BlockingQueue<String> halted = new LinkedBlockingQueue<>();

  @Test
  void haltsWhenTimeIsUpAndTheSoonerTimeStands() throws Exception {
    try (LastResort resort = LastResort.start(halted::add)) {
      resort.within(Duration.ofMinutes(5), "late");
      resort.within(Duration.ofMillis(50), "soon");
      resort.within(Duration.ofMinutes(5), "late again");
      assertEquals("soon", halted.poll(20, TimeUnit.SECONDS));
    }
  }

  @Test
  void whoEndsInTimeIsLeftAlone() throws Exception {
    try (LastResort resort = LastResort.start(halted::add)) {
      resort.within(Duration.ofMillis(400), "too late");
    }
    assertNull(halted.poll(800, TimeUnit.MILLISECONDS));
  }
}
