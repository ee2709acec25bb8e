// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.chaos;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ScheduleTest {
  /** The same seed is the same schedule, or printing it would help nobody. */
  @Test
  void aSeedIsASchedule() {
    assertEquals(steps(7), steps(7));
    assertNotEquals(steps(7), steps(8));
    List<Fault> all = Fault.of(3);
    List<Fault> once = steps(7).stream().limit(all.size()).map(Schedule.Step::fault).toList();
    assertEquals(all, once.stream().sorted().toList());
  }

  /** Or it would happen in no run. */
  @Test
  void everyFaultIsInOneOfTheWorlds() {
    List<Fault> all = new ArrayList<>(Fault.of(3));
    all.addAll(Fault.ofSecured());
    assertEquals(List.of(Fault.values()), all);
    assertTrue(all.containsAll(Fault.of(1)));
  }

  private static List<Schedule.Step> steps(long seed) {
    Schedule schedule = new Schedule(seed, Fault.of(3));
    return IntStream.range(0, 60).mapToObj(_ -> schedule.next()).toList();
  }
}
