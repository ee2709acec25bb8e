// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.chaos;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ScheduleTest {
  /** The same seed is the same schedule, or printing it would help nobody. */
  @Test
  void aSeedIsASchedule() {
    assertEquals(steps(7), steps(7));
    assertNotEquals(steps(7), steps(8));
    List<Fault> once =
        steps(7).stream().limit(Fault.values().length).map(Schedule.Step::fault).toList();
    assertEquals(List.of(Fault.values()), once.stream().sorted().toList());
  }

  private static List<Schedule.Step> steps(long seed) {
    Schedule schedule = new Schedule(seed, 3);
    return IntStream.range(0, 60).mapToObj(_ -> schedule.next()).toList();
  }
}
