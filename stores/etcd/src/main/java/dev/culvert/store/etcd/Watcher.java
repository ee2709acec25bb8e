// SPDX-License-Identifier: Apache-2.0
package dev.culvert.store.etcd;

import dev.culvert.control.Lease;
import dev.culvert.control.LeaseStoreException;
import dev.culvert.control.NetworkSettings;
import dev.culvert.control.store.EventJournal;
import dev.culvert.datapath.Vni;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Keeps a journal equal to what etcd holds: reads all, and hears changes from there on. A stream
 * that ends is gone on with where it ended, if etcd still has what was heard last ({@link
 * Witness}); all is read again where it has not, where revisions were compacted away, where another
 * etcd answers, and where the auditor finds that something was not told. One thread hears, one
 * audits.
 */
final class Watcher implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(Watcher.class.getName());

  /** Until the next try; from half to one and a half of it, so that hosts do not come together. */
  private static final Duration RETRY = Duration.ofMillis(300);

  /** Where the mistake is ours. */
  private static final Duration LONG_RETRY = Duration.ofSeconds(5);

  /** How often etcd is asked whether something was not told. */
  private static final Duration AUDIT = Duration.ofSeconds(5);

  /** An outage is logged when it begins, and then so often. */
  private static final Duration RARELY = Duration.ofHours(1);

  /** So often nothing but the revision is looked at, where that has not moved. */
  private static final int LIGHT_AUDITS = 12;

  /** What is on its way arrives within this. */
  private static final Duration ON_ITS_WAY = Duration.ofSeconds(3);

  /** The stream has to be begun anew. */
  private static final class LostException extends IOException {
    private static final long serialVersionUID = 1;

    LostException(String message) {
      super(message);
    }
  }

  private final EtcdLeaseStore store;
  private final Gateway gateway;
  private final Keys keys;
  private final EventJournal journal;
  private final Thread listening = thread("culvert-etcd-watch", this::listen);
  private final Thread auditing = thread("culvert-etcd-audit", this::audit);

  /** Guards the fields below. */
  private final Object lock = new Object();

  private InputStream stream;

  /** Changed by the listening thread alone. */
  private Contents contents;

  private long revision;
  private String cluster = "";
  private Optional<Witness> witness = Optional.empty();

  /** What was heard cannot be gone on with. */
  private boolean mustRead;

  private int lightAudits; // the auditing thread's

  private final Salvage salvage;

  private Instant logAgainAt = Instant.MIN; // the listening thread's

  private volatile boolean closed;
  private volatile Optional<String> outage = Optional.empty();
  private volatile Optional<String> replaced = Optional.empty();

  /** What it works on. */
  record Surroundings(EtcdLeaseStore store, Gateway gateway, Keys keys, EventJournal journal) {}

  private Watcher(Surroundings around) {
    this.store = around.store();
    this.gateway = around.gateway();
    this.keys = around.keys();
    this.journal = around.journal();
    this.salvage = new Salvage(store, keys);
  }

  private static Thread thread(String name, Runnable body) {
    return Thread.ofPlatform().name(name).daemon().unstarted(body);
  }

  /**
   * Starts one.
   *
   * @param reading what it begins with, and hears on from
   * @throws LeaseStoreException when etcd lost what it held, and does not answer
   */
  static Watcher start(EtcdLeaseStore.Reading reading, Surroundings around) {
    Watcher watcher = new Watcher(around);
    watcher.takeOver(reading);
    watcher.listening.start();
    watcher.auditing.start();
    return watcher;
  }

  List<String> problems() {
    List<String> problems = new ArrayList<>();
    outage.ifPresent(problems::add);
    replaced.ifPresent(problems::add);
    synchronized (lock) {
      problems.addAll(contents.problems());
    }
    return problems;
  }

  Optional<NetworkSettings> network(Vni vni) {
    synchronized (lock) {
      return contents.network(vni);
    }
  }

  private void readAll() {
    takeOver(store.read());
  }

  private void takeOver(EtcdLeaseStore.Reading first) {
    EtcdLeaseStore.Reading reading = first;
    boolean losing = isUnmarked(reading);
    if (noteReplacement(reading)) {
      losing = true;
      ifItTakesWrites(() -> {
        store.settleAgain(contents.highestGeneration());
        // Before anybody here hears of it, or holders would give way to hosts that are gone.
        Salvage.putBackUsurped(store, keys, contents, first);
      });
      reading = store.read();
    }
    synchronized (lock) {
      if (losing) {
        putBackSoon(contents.lostIn(reading.contents()));
      }
      contents = reading.contents();
      revision = reading.revision();
      cluster = reading.cluster();
      witness = reading.witness();
      mustRead = false;
      // What is not there any more was not seen to be given back.
      journal.update(
          contents.leases(),
          lease ->
              contents
                  .released(lease.subnet())
                  .filter(released -> released.generation() >= lease.generation())
                  .isPresent());
    }
    if (!reading.contents().isMarked()) {
      ifItTakesWrites(store::mark);
    }
  }

  /** A full etcd is heard all the same; that it is full is said by who renews a lease. */
  private static void ifItTakesWrites(Runnable writes) {
    try {
      writes.run();
    } catch (LeaseStoreException e) {
      LOG.log(Level.DEBUG, "etcd is read, and cannot be written.", e);
    }
  }

  /** Another etcd, or this one from a backup: who lives writes its lease again. */
  private boolean noteReplacement(EtcdLeaseStore.Reading reading) {
    synchronized (lock) {
      if (contents == null || !isOther(reading)) {
        return false;
      }
      replaced =
          Optional.of(
              "etcd is not what it was: its revision was %d and is %d now (restored from a backup, or"
                      .formatted(revision, reading.revision())
                  + " another one?); this host goes on with what it holds now.");
      LOG.log(Level.WARNING, replaced.get());
      return true;
    }
  }

  private boolean isOther(EtcdLeaseStore.Reading reading) {
    return !reading.cluster().equals(cluster)
        || reading.revision() < revision
        || reading.contents().contradicts(contents, revision);
  }

  /** Whether the mark is gone: what is not there was lost then; else somebody deleted it. */
  private boolean isUnmarked(EtcdLeaseStore.Reading reading) {
    return contents != null && contents.isMarked() && !reading.contents().isMarked();
  }

  /** Whoever holds these may not reach etcd now. */
  private void putBackSoon(List<Lease> lost) {
    salvage.putBackSoon(
        lost,
        question -> {
          synchronized (lock) {
            return closed ? Optional.empty() : question.apply(contents, revision);
          }
        });
  }

  private void listen() {
    boolean current = true;
    while (!closed) {
      try {
        if (!current && !isAsHeard()) {
          readAll();
        }
        tellEndOfOutage();
        current = false;
        hear();
      } catch (LeaseStoreException | IOException e) {
        tellOutage(e);
        pause(RETRY.toMillis() / 2 + ThreadLocalRandom.current().nextLong(RETRY.toMillis()));
      } catch (RuntimeException e) { // or nothing would ever be heard again
        LOG.log(Level.ERROR, "Hearing of leases in etcd failed; it is begun anew.", e);
        pause(LONG_RETRY.toMillis());
      }
    }
  }

  /**
   * Whether etcd has what was heard last, so that hearing can go on from there: many hosts that all
   * read everything at once would keep a store busy that has just come back.
   *
   * @throws LeaseStoreException when it does not answer
   */
  private boolean isAsHeard() {
    Optional<Witness> known;
    long seen;
    String heardFrom;
    synchronized (lock) {
      known = mustRead ? Optional.empty() : witness;
      seen = revision;
      heardFrom = cluster;
    }
    if (known.isEmpty()) {
      return false;
    }
    try {
      Json answer = gateway.call("kv/range", known.get().question(), Gateway.Kind.READ);
      Json header = answer.object("header");
      return isAt(header, heardFrom, seen) && known.get().isIn(answer);
    } catch (LeaseStoreException e) {
      if (e.getCause() instanceof Gateway.Refusal) {
        return false; // compacted away, or in its future
      }
      throw e;
    }
  }

  private void hear() throws IOException {
    long from;
    synchronized (lock) {
      from = revision + 1;
    }
    Map<String, Object> request =
        Map.of(
            "create_request",
            Map.of(
                "key", Json.encode(keys.all()),
                "range_end", Json.encode(Keys.end(keys.all())),
                "start_revision", from));
    InputStream opened = gateway.stream("watch", request);
    synchronized (lock) {
      stream = opened;
    }
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(opened, StandardCharsets.UTF_8))) {
      for (String line = next(lines); line != null && !closed; line = next(lines)) {
        if (!line.isBlank()) {
          hear(Json.parse(line));
        }
      }
    } finally {
      synchronized (lock) {
        stream = null;
      }
    }
    throw new LostException("the stream of changes ended");
  }

  /** Whether etcd is away, or this process closed the stream, is seen when it is begun anew. */
  private static String next(BufferedReader lines) throws LostException {
    try {
      return lines.readLine();
    } catch (IOException e) {
      throw new LostException("the stream of changes broke: " + e.getMessage());
    }
  }

  private void hear(Json line) throws LostException {
    Json result = line.object("result");
    if (line.has("error") || result.flag("canceled")) {
      synchronized (lock) {
        mustRead = true;
      }
      long compacted = result.number("compact_revision");
      throw new LostException(
          compacted > 0
              ? "what happened before revision " + compacted + " was compacted away"
              : "the watch was cancelled: "
                  + result.text("cancel_reason")
                  + line.object("error").text("message"));
    }
    if (result.flag("created")) {
      requireSameHistory(result.object("header"));
    }
    List<Json> events = result.objects("events");
    if (events.isEmpty()) {
      return;
    }
    boolean marked;
    synchronized (lock) {
      List<Lease> before =
          contents.isUnmarkedBy(events) ? List.copyOf(contents.leases().values()) : List.of();
      for (Contents.Change change : contents.apply(events)) {
        journal.change(change.subnet(), change.now(), change.released());
      }
      putBackSoon(before.stream().filter(contents::lacks).toList());
      revision = Math.max(revision, result.object("header").number("revision"));
      witness = Witness.lastWritten(events).or(() -> witness);
      marked = contents.isMarked();
    }
    if (!marked) {
      ifItTakesWrites(store::mark);
    }
  }

  /**
   * Whoever was asked a moment ago whether it has what was heard need not be who tells of changes
   * now: an etcd that was made anew meanwhile waits in silence for a revision that is in its
   * future. A member that is behind does not, but is asked again all the same.
   */
  private void requireSameHistory(Json header) throws LostException {
    synchronized (lock) {
      if (!isAt(header, cluster, revision)) {
        throw new LostException("who tells of changes is at an earlier revision");
      }
    }
  }

  /** Whether an answer comes from that cluster, and as of a revision or later. */
  private static boolean isAt(Json header, String cluster, long revision) {
    return header.text("cluster_id").equals(cluster) && header.number("revision") >= revision;
  }

  private void tellOutage(Exception e) {
    if (!closed && !(e instanceof LostException)) {
      Instant now = Instant.now();
      boolean due = outage.isEmpty() || !now.isBefore(logAgainAt);
      outage = Optional.of("Changes in etcd are not heard of: " + Reasons.sentence(e.getMessage()));
      if (due) {
        logAgainAt = now.plus(RARELY);
        LOG.log(Level.WARNING, outage.get() + " It is tried again without end.");
      }
    }
  }

  private void tellEndOfOutage() {
    if (outage.isPresent()) {
      outage = Optional.empty();
      LOG.log(Level.INFO, "etcd answers again.");
    }
  }

  private void audit() {
    while (!closed) {
      pause(AUDIT.toMillis());
      try {
        OptionalLong behind = isBehind();
        if (behind.isPresent() && !closed) {
          pause(ON_ITS_WAY.toMillis());
          if (isStillAt(behind.getAsLong())) {
            LOG.log(Level.WARNING, "etcd did not tell of a change; everything is read again.");
            beginAnew(true);
          }
        }
      } catch (LeaseStoreException e) {
        beginAnew(false); // a stream to a member that does not answer may be silent for ever
      } catch (RuntimeException e) { // or nothing would ever be audited again
        LOG.log(Level.ERROR, "The audit of leases in etcd failed.", e);
      }
    }
  }

  /**
   * Whether etcd has something that was not heard, or lacks something.
   *
   * @return up to which revision it was heard, if so
   */
  private OptionalLong isBehind() {
    long seen;
    String heardFrom;
    synchronized (lock) {
      seen = revision;
      heardFrom = cluster;
    }
    Json now =
        gateway.call("kv/range", Requests.count(keys.mark()), Gateway.Kind.READ).object("header");
    boolean nothingHappened =
        now.number("revision") == seen && now.text("cluster_id").equals(heardFrom);
    lightAudits = nothingHappened ? lightAudits + 1 : 0;
    if (nothingHappened && lightAudits % LIGHT_AUDITS != 0) {
      return OptionalLong.empty();
    }
    return isBehind(seen);
  }

  /** By all that etcd holds, which costs it something. */
  private OptionalLong isBehind(long seen) {
    Json answer =
        gateway.call(
            "kv/txn",
            Requests.txn(
                List.of(),
                List.of(
                    Requests.asRange(Requests.count(keys.all())),
                    Requests.asRange(Requests.anySince(keys.all(), seen + 1))),
                List.of()),
            Gateway.Kind.READ);
    List<Json> responses = answer.objects("responses");
    long count = responses.getFirst().object("response_range").number("count");
    // Its count is of all keys, whenever they were written (etcd 3.4).
    boolean missed = !responses.getLast().object("response_range").objects("kvs").isEmpty();
    Json header = answer.object("header");
    synchronized (lock) {
      boolean behind = missed || count != contents.keyCount() || !isAt(header, cluster, seen);
      if (!behind && revision == seen) {
        revision = header.number("revision"); // what happened up to there is none of ours
      }
      return behind && isStillAt(seen) ? OptionalLong.of(seen) : OptionalLong.empty();
    }
  }

  /** Whether nothing was heard since, though there is a stream: changes come in order. */
  private boolean isStillAt(long seen) {
    synchronized (lock) {
      return stream != null && revision == seen;
    }
  }

  /**
   * @param fromNothing whether what was heard is not to be gone on with
   */
  private void beginAnew(boolean fromNothing) {
    synchronized (lock) {
      mustRead |= fromNothing;
      if (stream != null) {
        try {
          stream.close();
        } catch (IOException e) {
          LOG.log(Level.DEBUG, "A broken stream does not close.", e);
        }
        stream = null;
      }
    }
  }

  private void pause(long ms) {
    try {
      Thread.sleep(ms);
    } catch (InterruptedException e) {
      // Closed: the loops look at that.
    }
  }

  @Override
  public void close() {
    closed = true;
    beginAnew(false);
    listening.interrupt();
    auditing.interrupt();
  }
}
