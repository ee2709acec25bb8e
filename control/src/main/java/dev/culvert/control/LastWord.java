// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.IpPrefix;
import dev.culvert.kernel.RefusedException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a host leaves with its datapath for the process after this one: until when each of its
 * subnets is surely its own, by the clock that does not jump. Who starts later than that, with the
 * store away, cannot know and starts cut off. On one line: {@code SUBNET=SECONDS} separated by
 * spaces; seconds since that clock's beginning, {@value #FOR_EVER} for a static lease.
 */
final class LastWord {
  private static final String FOR_EVER = "static";

  private LastWord() {}

  /**
   * In whole seconds, rounded down, so that it changes once a second at most.
   *
   * @param until by subnet
   */
  static String of(SortedMap<IpPrefix, Instant> until, SteadyClock clock) {
    List<String> words = new ArrayList<>();
    until.forEach((subnet, end) ->
        words.add(
            subnet
                + "="
                + (end.equals(Instant.MAX) ? FOR_EVER : clock.elapsedAt(end).toSeconds())));
    return String.join(" ", words);
  }

  /** Reads {@link #of}; what cannot be read was never said. */
  static Map<IpPrefix, Instant> parse(String text, SteadyClock clock) {
    Map<IpPrefix, Instant> until = new TreeMap<>();
    for (String word : text.split(" ", -1)) {
      int equals = word.indexOf('=');
      try {
        if (equals > 0) {
          String end = word.substring(equals + 1);
          until.put(
              IpPrefix.parse(word.substring(0, equals)),
              end.equals(FOR_EVER)
                  ? Instant.MAX
                  : clock.at(Duration.ofSeconds(Long.parseLong(end))));
        }
      } catch (RefusedException
          | NumberFormatException
          | ArithmeticException
          | DateTimeException e) {
        // Written by another version, or by somebody.
      }
    }
    return until;
  }
}
