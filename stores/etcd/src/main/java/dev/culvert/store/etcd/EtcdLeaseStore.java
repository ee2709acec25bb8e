// SPDX-License-Identifier: Apache-2.0
package dev.culvert.store.etcd;

import dev.culvert.control.Lease;
import dev.culvert.control.LeaseEvent;
import dev.culvert.control.LeaseStore;
import dev.culvert.control.LeaseStoreException;
import dev.culvert.control.NetworkSettings;
import dev.culvert.control.store.EventJournal;
import dev.culvert.control.store.LeaseText;
import dev.culvert.control.store.LeaseText.MalformedException;
import dev.culvert.control.store.NetworkText;
import dev.culvert.datapath.Vni;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Leases in etcd 3.4 or later, over its HTTP/JSON gateway. docs/etcd.md describes keys and values,
 * which a person can read and write.
 *
 * <p>Every change is one transaction that compares what it replaces. A claim compares that the very
 * key is free, and that nobody has claimed anything of another length since this host looked, so
 * that claims of one length never wait for each other. Watching reads everything once and then
 * hears changes; every few seconds it asks etcd whether something was not told, and reads all again
 * if so.
 *
 * <p>Any thread may call. A call takes the configured timeout for each endpoint at most, and three
 * times of it for the last one while nothing is watched. Revisions of events count what this
 * instance saw.
 */
public final class EtcdLeaseStore implements LeaseStore {
  /** Each time somebody claimed a subnet of another length in the same moment. */
  private static final int TRIES = 20;

  /** For how long an etcd is new in which nothing ever was, in seconds. */
  private static final int NEW_SECONDS = 2;

  /**
   * For how long one is new that had a life before. Whoever knew what it held may have a watch that
   * broke without a word, and finds out within eight seconds ({@link Watcher}).
   */
  private static final int CHANGED_SECONDS = 10;

  /** Of an etcd in which nobody ever wrote anything. */
  private static final long FIRST_REVISION = 1;

  /** As long as from one audit of a watch to the next, and a little. */
  private static final Duration PROVEN = Duration.ofSeconds(6);

  private static final Duration REACTION = Duration.ofSeconds(2);

  /** Nobody is in a hurry for another's subnet. */
  private static final Duration RETURN = Duration.ofSeconds(10);

  private final EtcdConfig config;
  private final Keys keys;
  private final Gateway gateway;
  private final EventJournal journal = new EventJournal("culvert-etcd-leases");
  private final Object starting = new Object();
  private volatile Watcher watcher;

  /** What {@link #list} came upon last, for who does not watch; nobody changes it. */
  private volatile Optional<Contents> listed = Optional.empty();

  /** What was read a moment ago, so that who starts does not ask the same three times. */
  private final RecentReading recent = new RecentReading();

  private volatile boolean closed;

  /**
   * Asks nothing of etcd yet.
   *
   * @param config where it is
   * @throws dev.culvert.kernel.RefusedException when a file of TLS will not do
   */
  public EtcdLeaseStore(EtcdConfig config) {
    this.config = config;
    this.keys = new Keys(config.prefix());
    this.gateway = new Gateway(config);
  }

  /** What etcd holds, and as of when. */
  record Reading(Contents contents, long revision, String cluster, Optional<Witness> witness) {}

  @Override
  public List<Lease> list() {
    requireOpen();
    Reading reading = recent.takeForList().orElseGet(this::read);
    recent.keepForClaim(reading);
    Contents contents = reading.contents();
    List<String> _ = contents.problems(); // found now, and kept: others only read it
    listed = Optional.of(contents);
    return List.copyOf(contents.leases().values());
  }

  @Override
  public Result acquire(Lease lease) {
    Objects.requireNonNull(lease, "lease");
    return acquireFirst(List.of(lease));
  }

  /** {@inheritDoc} Two requests, or one where {@link #list} was just asked. */
  @Override
  public Result acquireFirst(List<Lease> wanted) {
    Objects.requireNonNull(wanted, "wanted");
    requireOpen();
    Optional<Reading> known = recent.takeForClaim();
    Reading reading = known.orElseGet(this::read);
    boolean old = known.isPresent();
    for (int i = 0; i < TRIES; i++) {
      Claim claim = new Claim(keys, reading, wanted);
      if (claim.isHopeless() && old) {
        reading = read(); // what was in the way may be gone by now
        old = false;
      } else if (claim.isHopeless()) {
        recent.keep(reading);
        return new Result.Conflict(claim.taken());
      } else {
        Json answer = write(claim.request());
        Optional<Lease> done = claim.done(answer);
        if (done.isPresent()) {
          recent.claimed(claim.pair(answer, done.get()));
          return new Result.Done(done.get());
        }
        reading = reading(claim.refusal(answer), answer);
        old = false;
      }
    }
    throw new LeaseStoreException(
        "The subnet "
            + wanted.getFirst().subnet()
            + " could not be claimed in etcd: subnets of other lengths were claimed all the time;"
            + " is something claiming without end?");
  }

  /** {@inheritDoc} While something is watched, the audits tell that, and nothing more is asked. */
  @Override
  public void probe() {
    requireOpen();
    if (watcher == null || !gateway.hasAnsweredWithin(PROVEN)) {
      var _ = gateway.call("kv/range", Requests.count(keys.mark()), Gateway.Kind.READ);
    }
  }

  /** {@inheritDoc} Asks for that key alone. */
  @Override
  public boolean holds(Lease lease) {
    Objects.requireNonNull(lease, "lease");
    requireOpen();
    String key = keys.lease(lease.subnet());
    return gateway.call("kv/range", Requests.get(key), Gateway.Kind.READ).objects("kvs").stream()
        .anyMatch(pair -> lease(key, pair).equals(lease));
  }

  @Override
  public Result renew(Lease held, Lease wanted) {
    requireOpen();
    recent.forget();
    String key = keys.lease(held.subnet());
    Lease next = wanted.withGeneration(Math.max(held.generation() + 1, wanted.generation()));
    Map<String, Object> put = Requests.asPut(Requests.put(key, LeaseText.format(next)));
    return replace(held, List.of(put))
        .map(other -> other.isEmpty() ? new Result.Gone(held.subnet()) : conflict(key, other))
        .orElseGet(() -> new Result.Done(next));
  }

  private Result conflict(String key, Optional<Json> pair) {
    return new Result.Conflict(lease(key, pair.orElseThrow()));
  }

  @Override
  public void release(Lease held) {
    requireOpen();
    recent.forget();
    var _ =
        replace(
            held,
            List.of(
                Requests.asDelete(keys.lease(held.subnet())),
                Requests.asPut(
                    Requests.put(
                        keys.released(held.subnet()), String.valueOf(held.generation())))));
  }

  /**
   * Carries something out if etcd has exactly a lease: by its text, else, where a person wrote it
   * in another way, by its key's revision.
   *
   * @return empty if it was; else what etcd has at the lease's key, which may be nothing
   */
  private Optional<Optional<Json>> replace(Lease held, List<Map<String, Object>> changes) {
    String key = keys.lease(held.subnet());
    Map<String, Object> condition = Requests.holds(key, LeaseText.format(held));
    while (true) {
      Json answer =
          write(
              Requests.txn(
                  List.of(condition), changes, List.of(Requests.asRange(Requests.get(key)))));
      if (answer.flag("succeeded")) {
        return Optional.empty();
      }
      Optional<Json> there = found(answer);
      if (there.isEmpty() || !lease(key, there.get()).equals(held)) {
        return Optional.of(there);
      }
      condition = Requests.wasWrittenAt(key, there.get().number("mod_revision"));
    }
  }

  private static Optional<Json> found(Json answer) {
    return answer.objects("responses").stream()
        .flatMap(response -> response.object("response_range").objects("kvs").stream())
        .findFirst();
  }

  private Lease lease(String key, Json pair) {
    try {
      return LeaseText.parse(pair.decoded("value"), config.defaultPort());
    } catch (MalformedException e) {
      throw new LeaseStoreException(
          "The lease at "
              + key
              + " in etcd is malformed, "
              + e.getMessage()
              + " Correct or delete it.",
          e);
    }
  }

  /**
   * Writes leases that were lost.
   *
   * @return whether it was carried out; else a subnet of another length was claimed meanwhile
   */
  boolean putBack(Salvage.Batch batch) {
    return write(batch.transaction()).flag("succeeded");
  }

  private Json write(Map<String, Object> txn) {
    return gateway.call("kv/txn", txn, Gateway.Kind.WRITE);
  }

  Reading read() {
    Json answer = gateway.call("kv/range", Requests.range(keys.all()), Gateway.Kind.READ);
    return reading(answer, answer);
  }

  /** Of all keys; the answer that they came in says as of when. */
  private Reading reading(Json range, Json answer) {
    Contents contents = new Contents(keys, config.defaultPort());
    List<Json> pairs = range.objects("kvs");
    pairs.forEach(contents::put);
    Json header = answer.object("header");
    return new Reading(
        contents, header.number("revision"), header.text("cluster_id"), Witness.of(pairs));
  }

  @Override
  public Optional<NetworkSettings> network(Vni vni) {
    requireOpen();
    Watcher started = watcher;
    return started != null
        ? started.network(vni)
        : listed.orElseGet(() -> recentOrRead().contents()).network(vni);
  }

  private Reading recentOrRead() {
    return recent
        .peek()
        .orElseGet(() -> {
          Reading reading = read();
          recent.keep(reading);
          return reading;
        });
  }

  @Override
  public boolean putNetwork(
      Vni vni, Optional<NetworkSettings> expected, Optional<NetworkSettings> wanted) {
    wanted.ifPresent(settings -> settings.require(vni));
    requireOpen();
    listed = Optional.empty();
    recent.forget();
    String key = keys.settings(vni);
    Map<String, Object> condition = Requests.isAbsent(key);
    if (expected.isPresent()) {
      Json answer = gateway.call("kv/range", Requests.get(key), Gateway.Kind.READ);
      Optional<Json> there =
          answer.objects("kvs").stream()
              .filter(pair -> isNetwork(pair, expected.get()))
              .findFirst();
      if (there.isEmpty()) {
        return false;
      }
      condition = Requests.wasWrittenAt(key, there.get().number("mod_revision"));
    }
    Map<String, Object> change =
        wanted
            .map(settings -> Requests.asPut(Requests.put(key, NetworkText.format(settings))))
            .orElseGet(() -> Requests.asDelete(key));
    return write(Requests.txn(List.of(condition), List.of(change), List.of())).flag("succeeded");
  }

  /**
   * {@return how many requests this instance made of etcd since it was opened, tries that failed
   * included} A watch is one, however long it lasts.
   */
  public long requests() {
    return gateway.requests();
  }

  private static boolean isNetwork(Json pair, NetworkSettings expected) {
    try {
      return NetworkText.parse(pair.decoded("value")).equals(expected);
    } catch (MalformedException e) {
      return false;
    }
  }

  @Override
  public AutoCloseable watch(Consumer<LeaseEvent> listener) {
    requireOpen();
    synchronized (starting) {
      requireOpen();
      if (watcher == null) {
        watcher =
            Watcher.start(
                recent.takeForWatch().orElseGet(this::read),
                new Watcher.Surroundings(this, gateway, keys, journal));
        gateway.started();
      }
    }
    return journal.watch(listener);
  }

  /** Whoever lost its stream hears again within this, or the store answers nobody. */
  @Override
  public Duration reactionTime() {
    return REACTION;
  }

  /** Hosts that were cut off for long look for etcd each second, all at once when it comes back. */
  @Override
  public Duration returnTime() {
    return RETURN;
  }

  /** By the timeout that is configured. */
  @Override
  public Duration longestCall() {
    return gateway.longestCall();
  }

  /** {@inheritDoc} It was lost while its mark is not there, and looks new for a while then. */
  @Override
  public boolean looksNew() {
    requireOpen();
    Reading reading = read();
    if (!reading.contents().isMarked()) {
      return mark();
    }
    recent.keep(reading);
    return reading.contents().isFresh();
  }

  /** {@inheritDoc} That of the member that answers. */
  @Override
  public Optional<Instant> time() {
    requireOpen();
    return gateway.time(Requests.count(keys.mark()));
  }

  /**
   * Makes the mark where it is not there: then all that was is lost, or never was.
   *
   * @return whether it was made just now
   */
  boolean mark() {
    Json answer =
        gateway.call(
            "kv/txn",
            Requests.txn(
                List.of(Requests.isAbsent(keys.mark())),
                List.of(),
                List.of(Requests.asRange(Requests.get(keys.fresh())))),
            Gateway.Kind.READ);
    if (!answer.flag("succeeded")) {
      return found(answer).isPresent();
    }
    boolean untouched = answer.object("header").number("revision") <= FIRST_REVISION;
    settle(untouched ? NEW_SECONDS : CHANGED_SECONDS, List.of(Requests.isAbsent(keys.mark())));
    return true;
  }

  /**
   * What etcd held is not what it holds now: newcomers wait for those who live, and no generation
   * that was given is given again.
   *
   * @param generation the highest that was heard of
   */
  void settleAgain(long generation) {
    settle();
    raiseFloor(generation);
  }

  /** Newcomers wait from now on, for as long as the store is new. */
  void settle() {
    settle(CHANGED_SECONDS, List.of());
  }

  private void raiseFloor(long generation) {
    for (int i = 0; i < TRIES; i++) {
      Contents.Released floor = read().contents().floor();
      if (floor.generation() >= generation) {
        return;
      }
      Map<String, Object> put = Requests.put(keys.floor(), String.valueOf(generation));
      Json answer =
          write(
              Requests.txn(
                  List.of(Requests.wasWrittenAt(keys.floor(), floor.modRevision())),
                  List.of(Requests.asPut(put)),
                  List.of()));
      if (answer.flag("succeeded")) {
        return;
      }
    }
  }

  /** By etcd's clock, so that no host's matters: the key goes away by itself. */
  private void settle(int seconds, List<Map<String, Object>> compare) {
    Json grant = gateway.call("lease/grant", Map.of("TTL", seconds), Gateway.Kind.WRITE);
    var _ =
        write(
            Requests.txn(
                compare,
                List.of(
                    Requests.asPut(Requests.put(keys.mark(), "Culvert's leases: docs/etcd.md\n")),
                    Requests.asPut(
                        Requests.putFor(keys.fresh(), "settling\n", grant.number("ID")))),
                List.of()));
  }

  /** What a watch hears of, or, where nothing is watched, what {@link #list} came upon last. */
  @Override
  public List<String> problems() {
    if (closed) {
      return List.of(closedSentence());
    }
    Watcher started = watcher;
    return started == null
        ? listed.map(Contents::problems).orElse(List.of())
        : new ArrayList<>(started.problems());
  }

  @Override
  public void close() {
    synchronized (starting) {
      closed = true;
    }
    Watcher started = watcher;
    if (started != null) {
      started.close();
    }
    gateway.close();
    journal.close();
  }

  private void requireOpen() {
    if (closed) {
      throw new LeaseStoreException(closedSentence());
    }
  }

  private String closedSentence() {
    return "The store of etcd at "
        + config.endpoints().getFirst()
        + " was closed while an overlay uses it; close overlays first.";
  }
}
