// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import java.lang.System.Logger.Level;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * One thread, and the messages for it. After each batch of messages, and when a deadline has come,
 * the thread does its work. Nothing that a message or the work throws ends the thread, nor does an
 * interrupt: it ends when it is {@linkplain #stop told to}.
 */
final class Mailbox {
  private static final System.Logger LOG = System.getLogger(Mailbox.class.getName());

  /** A clock may be set or a machine suspended, so no sleep is longer. */
  private static final Duration LONGEST_SLEEP = Duration.ofSeconds(1);

  /** So many turns in a row may be overdue; the next ones wait, whatever the deadline says. */
  private static final int HASTY_TURNS = 10;

  private static final long HASTY_TURN_MS = 100;

  /** What an idle thread takes for a message, many times over. */
  private static final Duration AT_ONCE = Duration.ofMillis(300);

  private static final long IDLE = -1;

  private final String what;
  private final BlockingQueue<Runnable> messages = new LinkedBlockingQueue<>();
  private Work work;
  private Clock clock;
  private Thread thread;
  private boolean ready; // of the thread alone
  private boolean stopped; // of the thread alone
  private int hasty; // of the thread alone
  private Optional<Backoff> failing = Optional.empty(); // of the thread alone
  private boolean closed; // guarded by this
  private volatile long busySinceNs = IDLE;

  /**
   * What the thread does between messages.
   *
   * @param doWork after each batch of messages, and when it is due
   * @param nextDeadline when it is due
   * @param task what the thread is at, or nothing; any thread may ask
   */
  record Work(Runnable doWork, Supplier<Instant> nextDeadline, Supplier<String> task) {}

  /** {@code what} names the owner in error messages. */
  Mailbox(String what) {
    this.what = what;
  }

  void start(String threadName, Work theWork, Clock theClock) {
    work = theWork;
    clock = theClock;
    thread = Thread.ofPlatform().name(threadName).daemon().start(this::loop);
  }

  /** From now on work is done; before, messages only. */
  void ready() {
    post(() -> ready = true);
  }

  /** Leaves a message; nobody waits for it. After the end it is dropped. */
  synchronized void post(Runnable message) {
    if (!closed) {
      messages.add(message);
    }
  }

  /**
   * Has the thread work out a value, and waits for it.
   *
   * @throws OverlayBusyException when it took longer than the question allows; what was not begun
   *     then is not carried out, and what was is taken back when it ends
   * @throws IllegalStateException after the end
   */
  <T> T call(Question<T> question) {
    if (Thread.currentThread() == thread) {
      return question.action().get();
    }
    Message<T> message = new Message<>(question, this::busy);
    if (!offer(message)) {
      throw ended();
    }
    try {
      return message.await();
    } catch (OverlayBusyException e) {
      boolean _ = messages.remove(message);
      throw e;
    }
  }

  /**
   * Runs a last message and ends the thread; nothing once that has happened.
   *
   * @param hurry called when it does not come to that at once
   * @throws OverlayBusyException when it took longer than the question allows; unless it had begun,
   *     the thread works on
   */
  void stop(Question<Void> last, Runnable hurry) {
    if (Thread.currentThread() == thread) {
      end();
      Void _ = last.action().get();
      return;
    }
    Message<Void> message =
        new Message<>(
            last.withAction(() -> {
              end();
              return last.action().get();
            }),
            this::busy);
    if (offer(message)) {
      if (!message.isDone(AT_ONCE)) {
        hurry.run();
      }
      Void _ = message.await();
    }
  }

  /** Runs a last message and ends the thread when it comes to that; nobody waits. */
  synchronized void stopSoon(Runnable last) {
    if (!closed) {
      closed = true;
      messages.add(() -> {
        end();
        last.run();
      });
    }
  }

  /** From here on nobody's message is taken; those that wait hear so when the thread ends. */
  private synchronized void end() {
    stopped = true;
    closed = true;
  }

  private synchronized boolean offer(Message<?> message) {
    return !closed && messages.add(message);
  }

  private IllegalStateException ended() {
    return new IllegalStateException("The " + what + " is closed.");
  }

  /** For how long the thread has been at what it does; zero while it waits. Any thread may ask. */
  Duration busyFor() {
    long since = busySinceNs;
    return since == IDLE ? Duration.ZERO : Duration.ofNanos(System.nanoTime() - since);
  }

  /** The same as the beginning of a sentence. */
  String busy() {
    long seconds = busyFor().toSeconds();
    String at = work.task().get();
    return "The %s has been busy for %d s%s"
        .formatted(what, seconds, at.isEmpty() ? "" : " (" + at + ")");
  }

  private void loop() {
    try {
      while (!stopped) {
        turn();
      }
    } finally {
      abandon();
    }
  }

  private void turn() {
    try {
      Runnable message = messages.poll(sleepMs(), TimeUnit.MILLISECONDS);
      busySinceNs = System.nanoTime();
      while (message != null && !stopped) {
        carryOut(message);
        message = stopped ? null : messages.poll();
      }
      if (ready && !stopped) {
        doWork();
      }
    } catch (InterruptedException e) {
      // Something foreign left it on this thread: there is another way to end it.
      LOG.log(Level.DEBUG, "The " + what + " was interrupted and goes on.");
    } finally {
      busySinceNs = IDLE;
    }
  }

  /** A mistake in one message must not stop the overlay; those who wait for one get it. */
  private void carryOut(Runnable message) {
    try {
      message.run();
    } catch (Throwable e) { // whatever comes: without this thread the overlay would be half dead
      LOG.log(Level.ERROR, "The " + what + " met an unexpected error and goes on.", e);
      Survivors.tell(e);
    }
  }

  /** The work guards its own parts; whatever comes through nevertheless must not come each turn. */
  private void doWork() {
    Instant now = clock.instant();
    if (failing.isPresent() && !failing.get().isDue(now)) {
      return;
    }
    try {
      work.doWork().run();
      failing = Optional.empty();
    } catch (Throwable e) { // see carryOut
      failing = Optional.of(failing.map(b -> b.next(now)).orElseGet(() -> Backoff.first(now)));
      LOG.log(
          Level.ERROR,
          "The " + what + " met an unexpected error and tries again at " + failing.get().retryAt(),
          e);
      Survivors.tell(e);
    }
  }

  /** Nobody may wait for ever, whatever ended the thread. */
  private synchronized void abandon() {
    closed = true;
    for (Runnable message : messages) {
      if (message instanceof Message<?> waiting) {
        waiting.fail(ended());
      }
    }
    messages.clear();
  }

  private long sleepMs() {
    if (!ready) {
      return LONGEST_SLEEP.toMillis();
    }
    Instant now = clock.instant();
    Instant deadline = deadline(now);
    if (!deadline.isBefore(now.plus(LONGEST_SLEEP))) {
      hasty = 0;
      return LONGEST_SLEEP.toMillis();
    }
    long ms = Math.clamp(Duration.between(now, deadline).toMillis() + 1, 0, 1000);
    hasty = ms <= 1 ? hasty + 1 : 0;
    return hasty > HASTY_TURNS ? Math.max(ms, HASTY_TURN_MS) : ms;
  }

  private Instant deadline(Instant now) {
    if (failing.isPresent()) {
      return failing.get().retryAt();
    }
    try {
      return work.nextDeadline().get();
    } catch (Throwable e) { // see carryOut
      LOG.log(Level.ERROR, "The " + what + " does not know what to do next and looks around.", e);
      return now.plus(LONGEST_SLEEP);
    }
  }
}
