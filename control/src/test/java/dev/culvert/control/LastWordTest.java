// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.culvert.datapath.IpPrefix;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

final class LastWordTest {
  private static final IpPrefix FIRST = IpPrefix.parse("10.244.1.0/24");
  private static final IpPrefix SECOND = IpPrefix.parse("fd00:244:0:1::/64");

  private final ManualClock time = new ManualClock(); // three days after the machine's start
  private final SteadyClock clock = new SteadyClock(time);

  @Test
  void isReadByAProcessThatStartsLater() {
    SortedMap<IpPrefix, Instant> until = new TreeMap<>();
    until.put(FIRST, clock.instant().plusSeconds(100));
    until.put(SECOND, Instant.MAX);
    String word = LastWord.of(until, clock);
    assertEquals("10.244.1.0/24=259300 fd00:244:0:1::/64=static", word);

    time.advance(Duration.ofSeconds(40));
    time.set(Duration.ofDays(2)); // and somebody sets the clock
    SteadyClock later = new SteadyClock(time);
    assertEquals(
        Map.of(FIRST, later.instant().plusSeconds(60), SECOND, Instant.MAX),
        LastWord.parse(word, later));
  }

  @Test
  void whatCannotBeReadWasNeverSaid() {
    assertEquals(
        Map.of(SECOND, Instant.MAX),
        LastWord.parse(
            "nonsense =5 10.244.1.0/24=soon 10.244.1.0/24=9999999999999999999"
                + " 10.244.1.0/24=999999999999999999 fd00:244:0:1::/64=static",
            clock));
  }
}
