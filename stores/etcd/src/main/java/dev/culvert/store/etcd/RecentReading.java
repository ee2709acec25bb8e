// SPDX-License-Identifier: Apache-2.0
package dev.culvert.store.etcd;

import dev.culvert.store.etcd.EtcdLeaseStore.Reading;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What etcd held a moment ago. A host that starts looks whether the store is new, what the network
 * is, which subnets are taken, claims one, and watches: one reading serves all of that, each once.
 * Any thread may call.
 *
 * <p>None of it rests on the reading being of this very moment: a claim compares in etcd all that
 * it took from it, and a watch hears whatever happened since.
 */
final class RecentReading {
  /** As long as a host on a busy machine may take from its first question to its last. */
  private static final Duration AGE = Duration.ofSeconds(30);

  private Optional<Reading> reading = Optional.empty();
  private long readNs;
  private boolean forList;
  private boolean forClaim;

  /** This host's own, by which the reading is behind; what it holds others may be looking at. */
  private final List<Json> claimed = new ArrayList<>();

  /** For one {@link #takeForList} and one {@link #takeForClaim}. */
  synchronized void keep(Reading fresh) {
    reading = Optional.of(fresh);
    readNs = System.nanoTime();
    forList = true;
    forClaim = true;
    claimed.clear();
  }

  /** For one {@link #takeForClaim}: who lists twice wants to know of changes. */
  synchronized void keepForClaim(Reading fresh) {
    if (peek().filter(fresh::equals).isEmpty()) {
      keep(fresh);
    }
    forList = false;
  }

  /** Some of it is known not to be so any more. */
  synchronized void forget() {
    reading = Optional.empty();
    claimed.clear();
  }

  /**
   * A claim of this host's own succeeded: who watches from the reading on has its lease already.
   *
   * @param pair its key and value as etcd would give them
   */
  synchronized void claimed(Json pair) {
    forList = false;
    forClaim = false;
    claimed.add(pair);
  }

  /** Whatever it was taken for before. */
  synchronized Optional<Reading> peek() {
    return reading.filter(_ -> System.nanoTime() - readNs < AGE.toNanos());
  }

  synchronized Optional<Reading> takeForList() {
    boolean may = forList;
    forList = false;
    return may ? peek() : Optional.empty();
  }

  synchronized Optional<Reading> takeForClaim() {
    boolean may = forClaim;
    forClaim = false;
    forList = false;
    return may ? peek() : Optional.empty();
  }

  /** It belongs to the watch from here on, with what this host claimed since. */
  synchronized Optional<Reading> takeForWatch() {
    Optional<Reading> taken = peek();
    taken.ifPresent(known -> claimed.forEach(pair -> known.contents().put(pair)));
    forget();
    return taken;
  }
}
