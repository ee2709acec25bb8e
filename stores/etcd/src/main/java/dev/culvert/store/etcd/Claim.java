// SPDX-License-Identifier: Apache-2.0
package dev.culvert.store.etcd;

import dev.culvert.control.Lease;
import dev.culvert.control.LeaseStoreException;
import dev.culvert.control.store.LeaseText;
import dev.culvert.control.store.Overlaps;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The first of some subnets that is free, claimed in one transaction. It compares that nothing of
 * another length was claimed since the reading, and then, for each subnet, that its key is free and
 * its remembered generation what was read; where it is not, the transaction within is about the
 * next. Where none is free, the answer holds what etcd has then, so that the next try needs no
 * reading of its own.
 */
final class Claim {
  /** etcd takes 128 comparisons, level by level; two are for each subnet. */
  private static final int MOST = 32;

  private final Keys keys;
  private final EtcdLeaseStore.Reading reading;

  /** With the generations that they get. */
  private final List<Lease> free = new ArrayList<>();

  /** What is in the way of the first that is not free. */
  private Optional<Lease> taken = Optional.empty();

  /** The key of one that is not free, though what it holds is no lease. */
  private Optional<String> malformed = Optional.empty();

  /**
   * @param wanted of one VNI and one length
   */
  Claim(Keys keys, EtcdLeaseStore.Reading reading, List<Lease> wanted) {
    this.keys = keys;
    this.reading = reading;
    for (Lease lease : wanted) {
      Optional<Lease> inTheWay =
          Overlaps.find(lease.subnet(), reading.contents().leases().values());
      if (inTheWay.isPresent()) {
        taken = taken.or(() -> inTheWay);
      } else if (reading.contents().has(keys.lease(lease.subnet()))) {
        malformed = Optional.of(keys.lease(lease.subnet()));
      } else if (free.size() < MOST) {
        free.add(withGeneration(lease));
      }
    }
  }

  private Lease withGeneration(Lease wanted) {
    long before = released(wanted).map(Contents.Released::generation).orElse(0L);
    long next = Math.max(before, reading.contents().floor().generation()) + 1;
    return wanted.withGeneration(Math.max(next, wanted.generation()));
  }

  private Optional<Contents.Released> released(Lease wanted) {
    return reading.contents().released(wanted.subnet());
  }

  /** Whether none is free, as far as is known. */
  boolean isHopeless() {
    return free.isEmpty();
  }

  /**
   * What is in the way.
   *
   * @throws LeaseStoreException when it is no lease
   */
  Lease taken() {
    return taken.orElseThrow(() ->
        new LeaseStoreException(
            "The lease at "
                + malformed.orElseThrow()
                + " in etcd is malformed. Correct or"
                + " delete it."));
  }

  Map<String, Object> request() {
    List<Map<String, Object>> compare =
        new ArrayList<>(
            Requests.nothingNewOfOtherLengths(keys, free.getFirst().subnet(), reading.revision()));
    compare.add(Requests.wasWrittenAt(keys.floor(), reading.contents().floor().modRevision()));
    return Requests.txn(compare, List.of(first(0)), List.of(all()));
  }

  private Map<String, Object> first(int index) {
    if (index == free.size()) {
      return all();
    }
    Lease lease = free.get(index);
    String key = keys.lease(lease.subnet());
    return Requests.asTxn(
        Requests.txn(
            List.of(
                Requests.isAbsent(key),
                Requests.wasWrittenAt(
                    keys.released(lease.subnet()),
                    released(lease).map(Contents.Released::modRevision).orElse(0L))),
            List.of(Requests.asPut(Requests.put(key, LeaseText.format(lease)))),
            List.of(first(index + 1))));
  }

  private Map<String, Object> all() {
    return Requests.asRange(Requests.range(keys.all()));
  }

  /** What was claimed; empty where nothing was. */
  Optional<Lease> done(Json answer) {
    if (!answer.flag("succeeded")) {
      return Optional.empty(); // something of another length was claimed
    }
    Json level = within(answer).object("response_txn");
    for (Lease lease : free) {
      if (level.flag("succeeded")) {
        return Optional.of(lease);
      }
      level = within(level).object("response_txn");
    }
    return Optional.empty();
  }

  /** All that etcd has, where nothing was claimed. */
  Json refusal(Json answer) {
    Json inner = within(answer);
    while (inner.has("response_txn")) {
      inner = within(inner.object("response_txn"));
    }
    return inner.object("response_range");
  }

  /** What the claim wrote, as a reading would have it. */
  Json pair(Json answer, Lease done) {
    return Requests.pair(
        keys.lease(done.subnet()),
        LeaseText.format(done),
        answer.object("header").number("revision"));
  }

  private static Json within(Json txn) {
    return txn.objects("responses").stream().findFirst().orElseGet(() -> txn.object("none"));
  }
}
