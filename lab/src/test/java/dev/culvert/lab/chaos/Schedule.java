// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.chaos;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Random;

/**
 * What happens, in which order, for how long and to whom: from a seed alone. Each fault comes once
 * before any comes again.
 */
final class Schedule {
  /** Of the shorter ones, in which nobody's lease ends, and of the longer ones. */
  private static final int SHORT_SECONDS = 7;

  private static final int LONG_SECONDS = 20;

  /** One in so many is long. */
  private static final int LONG_ONE_IN = 4;

  /**
   * One fault.
   *
   * @param lasts where it does not end by itself
   * @param chosen whom it hits, modulo how many there are; at least 0
   */
  record Step(Fault fault, Duration lasts, int chosen) {}

  private final Random random;
  private final List<Fault> faults;
  private final Deque<Fault> deck = new ArrayDeque<>();

  /**
   * @param faults that may happen
   */
  Schedule(long seed, List<Fault> faults) {
    this.random = new Random(seed * 31 + faults.size());
    this.faults = List.copyOf(faults);
  }

  Step next() {
    if (deck.isEmpty()) {
      List<Fault> shuffled = new ArrayList<>(faults);
      Collections.shuffle(shuffled, random);
      deck.addAll(shuffled);
    }
    boolean isLong = random.nextInt(LONG_ONE_IN) == 0;
    int seconds = isLong ? LONG_SECONDS + random.nextInt(15) : 2 + random.nextInt(SHORT_SECONDS);
    return new Step(deck.remove(), Duration.ofSeconds(seconds), random.nextInt(1000));
  }
}
