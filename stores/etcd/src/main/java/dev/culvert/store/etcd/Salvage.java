// SPDX-License-Identifier: Apache-2.0
package dev.culvert.store.etcd;

import dev.culvert.control.Lease;
import dev.culvert.control.LeaseStoreException;
import dev.culvert.control.store.LeaseText;
import dev.culvert.control.store.Overlaps;
import dev.culvert.datapath.Subnet;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.BiFunction;

/**
 * Leases that etcd lost and a host that watched still knows. They are written again, whoever's they
 * are: their holders may live and forward, and not reach etcd just now. So a newcomer finds the
 * subnets of all hosts that anybody knows who is there. May be used by several threads at once; one
 * of its own writes.
 */
final class Salvage {
  private static final System.Logger LOG = System.getLogger(Salvage.class.getName());

  /** Leases in one transaction: etcd takes 128 operations, in all of its levels. */
  static final int AT_ONCE = 64;

  /**
   * Each host waits for a part of this before it writes: of many that know the same the first few
   * write, and the others hear of it. Less than a store is new for.
   */
  private static final Duration WITHIN = Duration.ofSeconds(1);

  private static final Duration RETRY = Duration.ofMillis(300);

  /**
   * What is written at once: each lease where its key is as it was, and all of them only if nobody
   * claimed a subnet of another length meanwhile.
   *
   * @param transaction for etcd
   */
  record Batch(List<Lease> leases, Map<String, Object> transaction) {}

  /** What was heard of etcd last, which stays as it is while it is looked at. */
  interface Heard {
    /**
     * @param question of the contents, and of the revision that they are of
     * @return its answer; empty where nobody wants to know any more
     */
    Optional<Batch> look(BiFunction<Contents, Long, Optional<Batch>> question);
  }

  private final EtcdLeaseStore store;
  private final Keys keys;
  private final SortedMap<Subnet, Lease> lost = new TreeMap<>();
  private boolean writing;

  Salvage(EtcdLeaseStore store, Keys keys) {
    this.store = store;
    this.keys = keys;
  }

  /**
   * Puts leases back in a moment, as far as nobody else has done so by then.
   *
   * @param heard asked before each write
   */
  synchronized void putBackSoon(Collection<Lease> leases, Heard heard) {
    leases.forEach(lease -> lost.put(lease.subnet(), lease));
    if (!leases.isEmpty() && !writing) {
      writing = true;
      Thread.ofPlatform().name("culvert-etcd-salvage").daemon().start(() -> write(heard));
    }
  }

  private void write(Heard heard) {
    pause(ThreadLocalRandom.current().nextLong(WITHIN.toMillis()));
    boolean settled = false;
    for (Optional<Batch> next = next(heard); next.isPresent(); next = next(heard)) {
      try {
        if (!settled) {
          store.settle();
          settled = true;
        }
        if (store.putBack(next.get())) {
          done(next.get());
          continue;
        }
      } catch (LeaseStoreException e) {
        LOG.log(Level.DEBUG, "What etcd lost cannot be put back yet.", e);
      }
      pause(RETRY.toMillis());
    }
  }

  private Optional<Batch> next(Heard heard) {
    Optional<Batch> next = heard.look(this::next);
    if (next.isEmpty()) {
      end();
    }
    return next;
  }

  private synchronized void end() {
    writing = false;
    lost.clear();
  }

  private static void pause(long ms) {
    try {
      Thread.sleep(ms);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Puts back what another host's older lease is in the place of, at once.
   *
   * @param before what etcd held
   * @param reading what it holds now
   */
  static void putBackUsurped(
      EtcdLeaseStore store, Keys keys, Contents before, EtcdLeaseStore.Reading reading) {
    Contents now = reading.contents();
    Salvage usurped = new Salvage(store, keys);
    before.lostIn(now).stream()
        .filter(lease -> now.leases().containsKey(lease.subnet()))
        .filter(lease -> !now.leases().get(lease.subnet()).hasHolderOf(lease))
        .forEach(lease -> usurped.lost.put(lease.subnet(), lease));
    Optional<Batch> batch = usurped.next(now, reading.revision());
    while (batch.isPresent() && store.putBack(batch.get())) {
      usurped.done(batch.get());
      batch = usurped.next(now, reading.revision());
    }
  }

  /**
   * What to write next; forgets what is there again, or in whose place there is something else by
   * now.
   */
  private synchronized Optional<Batch> next(Contents now, long revision) {
    lost.values().removeIf(lease -> !now.lacks(lease));
    List<Lease> leases = new ArrayList<>();
    Iterator<Lease> all = lost.values().iterator();
    while (all.hasNext() && leases.size() < AT_ONCE) {
      Lease lease = all.next();
      if (isInTheWay(lease, now)) {
        all.remove();
      } else if (leases.isEmpty() || isSameLength(leases.getFirst(), lease)) {
        leases.add(lease);
      }
    }
    return leases.isEmpty()
        ? Optional.empty()
        : Optional.of(new Batch(leases, transaction(leases, now, revision)));
  }

  private boolean isSameLength(Lease one, Lease other) {
    return keys.sameLength(one.subnet()).equals(keys.sameLength(other.subnet()));
  }

  /** Whether somebody has something of another length there. */
  private static boolean isInTheWay(Lease lease, Contents now) {
    List<Lease> others =
        now.leases().values().stream()
            .filter(other -> !other.subnet().equals(lease.subnet()))
            .toList();
    return Overlaps.find(lease.subnet(), others).isPresent();
  }

  private Map<String, Object> transaction(List<Lease> leases, Contents now, long revision) {
    return Requests.txn(
        Requests.nothingNewOfOtherLengths(keys, leases.getFirst().subnet(), revision),
        leases.stream().map(lease -> Requests.asTxn(putBack(lease, now))).toList(),
        List.of());
  }

  private Map<String, Object> putBack(Lease lease, Contents now) {
    String key = keys.lease(lease.subnet());
    return Requests.txn(
        List.of(Requests.wasWrittenAt(key, now.modRevision(key))),
        List.of(Requests.asPut(Requests.put(key, LeaseText.format(lease)))),
        List.of());
  }

  /** It was carried out: where a key was not as it was, somebody was first. */
  private synchronized void done(Batch batch) {
    batch.leases().forEach(lease -> lost.remove(lease.subnet(), lease));
    LOG.log(
        Level.INFO, "Leases that etcd lost are put back where nobody was first: " + batch.leases());
  }
}
