// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Vni;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Somebody's store, kept from harming the thread that asks it: calls run on another thread, and
 * whatever goes wrong there (an answer that does not come, null, an exception of any kind, an
 * {@link Error}) is a {@link LeaseStoreException}. While a call hangs, others are refused at once.
 * What was given up is not carried out later: the call is interrupted, and a lease that it claims
 * all the same is released.
 *
 * <p>One thread asks; any may call {@link #giveUp}.
 */
final class GuardedStore implements LeaseStore {
  private static final System.Logger LOG = System.getLogger(GuardedStore.class.getName());

  /** Longer than the store waits itself: its own sentence says more than ours. */
  private static final Duration MORE = Duration.ofSeconds(2);

  /** Closing a watch must not keep anybody from ending. */
  private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(1);

  private static final int IDLE_SECONDS = 5;

  private static final long BEAT_NS = TimeUnit.SECONDS.toNanos(1);

  /** One call, from the moment that it is made. */
  private static final class Call<T> {
    final String what;
    final long sinceNs = System.nanoTime();
    final CompletableFuture<T> answer = new CompletableFuture<>();
    volatile boolean cameBack;
    Thread thread;

    Call(String what) {
      this.what = what;
    }
  }

  private final LeaseStore store;
  private final String threadName;
  private final Duration patience;
  private final Runnable beat;
  private Call<?> running; // guarded by this
  private Worker worker; // guarded by this; null where none lives
  private boolean givenUp; // guarded by this
  private volatile String logged = "";

  /**
   * @param beat called about once a second on the thread that waits for an answer
   */
  GuardedStore(LeaseStore store, String threadName, Runnable beat) {
    this(store, threadName, store.longestCall().plus(MORE), beat);
  }

  GuardedStore(LeaseStore store, String threadName, Duration patience, Runnable beat) {
    this.store = store;
    this.threadName = threadName;
    this.patience = patience;
    this.beat = beat;
  }

  /** Whoever waits for an answer, or will, gets an exception at once. */
  synchronized void giveUp() {
    givenUp = true;
    if (running != null) {
      running.thread.interrupt();
      running.answer.completeExceptionally(
          new LeaseStoreException("The overlay ends and waits for its store no longer."));
    }
  }

  @Override
  public List<Lease> list() {
    return call("list", store::list, late -> {});
  }

  @Override
  public Result acquire(Lease lease) {
    return call("acquire " + lease.subnet(), () -> store.acquire(lease), this::takeBack);
  }

  @Override
  public void probe() {
    run("probe", store::probe);
  }

  @Override
  public boolean holds(Lease lease) {
    return call("look at " + lease.subnet(), () -> store.holds(lease), late -> {});
  }

  @Override
  public Result acquireFirst(List<Lease> wanted) {
    return call(
        "acquire " + wanted.getFirst().subnet(), () -> store.acquireFirst(wanted), this::takeBack);
  }

  private void takeBack(Result late) {
    if (late instanceof Result.Done(Lease done)) {
      store.release(done);
    }
  }

  @Override
  public Result renew(Lease held, Lease wanted) {
    return call("renew " + held.subnet(), () -> store.renew(held, wanted), late -> {});
  }

  @Override
  public void release(Lease held) {
    run("release " + held.subnet(), () -> store.release(held));
  }

  @Override
  public AutoCloseable watch(Consumer<LeaseEvent> watcher) {
    AutoCloseable watch =
        call("watch", () -> store.watch(watcher), late -> closeQuietly(late, "late"));
    return () -> {
      Thread closing =
          Thread.ofPlatform()
              .name(threadName)
              .daemon()
              .start(() -> closeQuietly(watch, "that was no longer wanted"));
      boolean _ = closing.join(CLOSE_PATIENCE);
    };
  }

  private static void closeQuietly(AutoCloseable watch, String which) {
    try {
      watch.close();
    } catch (Throwable e) { // its thread has nobody to tell
      LOG.log(Level.WARNING, "A watch " + which + " did not close", e);
    }
  }

  @Override
  public Optional<NetworkSettings> network(Vni vni) {
    return call("network " + vni, () -> store.network(vni), late -> {});
  }

  @Override
  public boolean putNetwork(
      Vni vni, Optional<NetworkSettings> expected, Optional<NetworkSettings> wanted) {
    return call("put network " + vni, () -> store.putNetwork(vni, expected, wanted), late -> {});
  }

  @Override
  public Duration reactionTime() {
    return store.reactionTime();
  }

  @Override
  public Duration returnTime() {
    return store.returnTime();
  }

  @Override
  public boolean looksNew() {
    return call("looks new", store::looksNew, late -> {});
  }

  @Override
  public Optional<Instant> time() {
    return call("time", store::time, late -> {});
  }

  /** What the store says, or that it could not even say that. */
  @Override
  public List<String> problems() {
    if (isStuck()) {
      return List.of(); // whoever waited for that call has said so
    }
    try {
      return call("problems", store::problems, late -> {});
    } catch (LeaseStoreException e) {
      return List.of("The lease store cannot say whether it is well: " + e.getMessage());
    }
  }

  private synchronized boolean isStuck() {
    return running != null && !running.cameBack;
  }

  /** The store stays its owner's. */
  @Override
  public void close() {
    giveUp();
  }

  /** A thread that carries out one call after the other, and ends when none comes. */
  private final class Worker {
    private final BlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();
    private final Thread thread =
        Thread.ofPlatform().name(threadName).daemon().unstarted(this::loop);

    private void loop() {
      for (Runnable task = next(); task != null; task = next()) {
        task.run();
      }
    }

    private Runnable next() {
      try {
        Runnable task = tasks.poll(IDLE_SECONDS, TimeUnit.SECONDS);
        return task != null ? task : last();
      } catch (InterruptedException e) {
        return next(); // it was for the call before
      }
    }

    private Runnable last() {
      synchronized (GuardedStore.this) {
        Runnable task = tasks.poll();
        if (task == null) {
          worker = null;
        }
        return task;
      }
    }
  }

  private void run(String what, Runnable action) {
    boolean _ =
        call(
            what,
            () -> {
              action.run();
              return true;
            },
            late -> {});
  }

  private <T> T call(String what, Supplier<T> action, Consumer<T> takeBack) {
    Call<T> call = new Call<>(what);
    synchronized (this) {
      if (givenUp) {
        throw new LeaseStoreException("The overlay ends and asks its store nothing any more.");
      }
      if (running != null && !running.cameBack) {
        throw new LeaseStoreException(silence(running));
      }
      running = call;
      if (worker == null) {
        worker = new Worker();
        worker.thread.start();
      }
      call.thread = worker.thread;
      worker.tasks.add(() -> carryOut(call, action, takeBack));
    }
    return await(call);
  }

  private <T> void carryOut(Call<T> call, Supplier<T> action, Consumer<T> takeBack) {
    boolean _ = Thread.interrupted(); // was for the call before
    T result = null;
    LeaseStoreException failure = null;
    try {
      result = action.get();
      if (result == null) {
        failure =
            new LeaseStoreException("The lease store answered \"" + call.what + "\" with null.");
      }
    } catch (LeaseStoreException e) {
      failure = e;
    } catch (Throwable e) { // whatever somebody's store throws
      failure = unexpected(call.what, e);
    }
    call.cameBack = true;
    if (failure != null) {
      call.answer.completeExceptionally(failure);
    } else if (!call.answer.complete(result)) {
      undo(call.what, result, takeBack);
    }
  }

  private LeaseStoreException unexpected(String what, Throwable e) {
    String sentence = "The lease store failed at \"" + what + "\": " + e + ".";
    if (!sentence.equals(logged)) {
      logged = sentence;
      LOG.log(Level.ERROR, sentence, e);
      Survivors.tell(e);
    }
    return new LeaseStoreException(sentence, e);
  }

  private static <T> void undo(String what, T result, Consumer<T> takeBack) {
    try {
      takeBack.accept(result);
    } catch (Throwable e) { // its thread has nobody to tell
      LOG.log(Level.WARNING, "What \"" + what + "\" did too late could not be taken back", e);
    }
  }

  private <T> T await(Call<T> call) {
    while (true) {
      try {
        long leftNs = patience.toNanos() - (System.nanoTime() - call.sinceNs);
        return call.answer.get(Math.clamp(leftNs, 0, BEAT_NS), TimeUnit.NANOSECONDS);
      } catch (TimeoutException e) {
        beat.run();
        boolean tooLong = System.nanoTime() - call.sinceNs >= patience.toNanos();
        // Unless it comes in this very moment.
        if (tooLong
            && call.answer.completeExceptionally(new LeaseStoreException(silence(call), e))) {
          call.thread.interrupt();
        }
      } catch (InterruptedException e) {
        // Of no use to anybody on the overlay's own thread.
      } catch (ExecutionException e) {
        throw (LeaseStoreException) e.getCause();
      }
    }
  }

  private static String silence(Call<?> call) {
    long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - call.sinceNs);
    return "The lease store has not answered \"%s\" for %d s; look at its server or file system."
        .formatted(call.what, seconds);
  }
}
