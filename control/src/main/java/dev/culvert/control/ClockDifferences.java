// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * How far other hosts' clocks are from this one's, as their renewals tell when they are heard: each
 * says what time it is where it was written. Pure; used by the overlay's thread alone.
 */
final class ClockDifferences {
  /** A renewal may be heard late: network file systems tell nothing by themselves. */
  static final Duration TOLERANCE = Duration.ofSeconds(30);

  private static final int MOST_NAMES = 5;

  /** By less this host's clock is not seen to have been set; all are looked at again if it was. */
  private static final Duration JITTER = Duration.ofMillis(100);

  /** Their clock less the time that the overlay lives by, which nobody sets. */
  private final SortedMap<HostName, Duration> ahead = new TreeMap<>();

  /** Those that are off from this host's clock, as it was when they were looked at. */
  private final SortedMap<HostName, Duration> off = new TreeMap<>();

  private Duration own = Duration.ZERO;

  /** A renewal was heard in the moment that it was written. */
  void heard(Lease lease, Instant now) {
    lease
        .term()
        .flatMap(Lease.Term::renewed)
        .ifPresent(at -> {
          ahead.put(lease.host(), Duration.between(now, at));
          look(lease.host());
        });
  }

  private void look(HostName host) {
    Duration difference = ahead.get(host).minus(own);
    if (difference.abs().compareTo(TOLERANCE) > 0) {
      off.put(host, difference);
    } else {
      off.remove(host);
    }
  }

  /** How far a host's clock is ahead of this one's; empty where none of its renewals was heard. */
  Optional<Duration> ahead(HostName host, Judgement judgement) {
    Duration own = Duration.between(judgement.now(), judgement.wall());
    return Optional.ofNullable(ahead.get(host)).map(theirs -> theirs.minus(own));
  }

  /** One sentence for this host's clock, or one for each of the others that is off. */
  List<String> sentences(Judgement judgement) {
    Duration now = Duration.between(judgement.now(), judgement.wall());
    if (now.minus(own).abs().compareTo(JITTER) > 0) {
      own = now;
      ahead.keySet().forEach(this::look);
    }
    SortedMap<HostName, Duration> fast = new TreeMap<>();
    SortedMap<HostName, Duration> slow = new TreeMap<>();
    off.forEach(
        (host, difference) -> (difference.isNegative() ? slow : fast).put(host, difference));
    List<String> sentences = new ArrayList<>();
    describe("ahead of", "behind", fast).ifPresent(sentences::add);
    describe("behind", "ahead of", slow).ifPresent(sentences::add);
    return sentences;
  }

  /** The one whose clock differs from most others' is the one to look at. */
  private Optional<String> describe(String they, String we, SortedMap<HostName, Duration> off) {
    if (off.isEmpty()) {
      return Optional.empty();
    }
    String names = names(off);
    String by = text(off.firstEntry().getValue());
    boolean ours = off.size() > 1 && off.size() * 2 > ahead.size();
    return Optional.of(
        (ours
                ? "This host's clock is " + by + " " + we + " those of " + names
                : "The clock of " + names + " is " + by + " " + they + " this host's")
            + ": set it, by a time service best; leases are not judged by it alone.");
  }

  private static String names(Map<HostName, Duration> off) {
    List<String> names = off.keySet().stream().map(HostName::text).limit(MOST_NAMES).toList();
    return String.join(", ", names) + (off.size() > MOST_NAMES ? " and others" : "");
  }

  /** In whole units, so that the sentence stays the same from one look to the next. */
  static String text(Duration difference) {
    Duration size = difference.abs();
    if (size.toDays() >= 2) {
      return size.plusHours(12).toDays() + " days";
    }
    if (size.toHours() >= 2) {
      return size.plusMinutes(30).toHours() + " hours";
    }
    if (size.toMinutes() >= 2) {
      return size.plusSeconds(30).toMinutes() + " minutes";
    }
    return size.plusMillis(500).toSeconds() + " seconds";
  }
}
