// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What there is to say of other hosts' leases that ended, by this machine's clock at least. Pure.
 */
final class Overdue {
  /** Whoever has a thousand of them needs to see a few. */
  private static final int MOST_SENTENCES = 10;

  private final OverlayTable table;
  private final ClockDifferences clocks;
  private final Judgement judgement;

  Overdue(OverlayTable table, ClockDifferences clocks, Judgement judgement) {
    this.table = table;
    this.clocks = clocks;
    this.judgement = judgement;
  }

  /** One sentence for each, and one for the rest of them. */
  List<String> sentences() {
    List<LeaseView.Known> ended = table.expiredBefore(judgement.wall());
    List<String> sentences = new ArrayList<>();
    ended.stream().limit(MOST_SENTENCES).forEach(known -> sentences.add(sentence(known)));
    if (ended.size() > MOST_SENTENCES) {
      sentences.add((ended.size() - MOST_SENTENCES) + " more leases of other hosts ended.");
    }
    return sentences;
  }

  private String sentence(LeaseView.Known known) {
    Lease lease = known.lease();
    String ended = "The lease of " + lease + " ended at " + lease.expires().orElseThrow();
    if (table.isOver(known, judgement)) {
      return ended
          + " and nobody renews it: nothing is sent there any more; remove the lease if the host is"
          + " gone for good.";
    }
    Optional<Duration> ahead =
        clocks.ahead(lease.host(), judgement).filter(by -> explains(lease, by));
    if (ahead.isPresent()) {
      // Without the time, which each renewal moves: it would be another sentence each time.
      return "The lease of "
          + lease
          + " ended by this host's clock, but the clock of "
          + lease.host()
          + " is "
          + ClockDifferences.text(ahead.get())
          + " behind this one: packets are sent there as before; set the clocks.";
    }
    return ended
        + " by this host's clock and was not renewed since: packets are sent there until "
        + table.ends(known).map(this::onTheWall).orElseThrow()
        + ", unless it is renewed; is the host's agent running, and are the clocks right?";
  }

  private boolean explains(Lease lease, Duration ahead) {
    Instant theirTime = judgement.wall().plus(ahead);
    return ahead.isNegative() && !lease.isExpired(theirTime);
  }

  private Instant onTheWall(Instant steady) {
    return steady
        .plus(Duration.between(judgement.now(), judgement.wall()))
        .truncatedTo(java.time.temporal.ChronoUnit.SECONDS);
  }
}
