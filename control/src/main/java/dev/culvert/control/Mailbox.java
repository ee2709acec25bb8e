// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import java.lang.System.Logger.Level;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * One thread, and the messages for it. After each batch of messages, and when a deadline has come,
 * the thread does its work.
 */
final class Mailbox {
  private static final System.Logger LOG = System.getLogger(Mailbox.class.getName());

  /** A clock may be set or a machine suspended, so no sleep is longer. */
  private static final Duration LONGEST_SLEEP = Duration.ofSeconds(1);

  private final String what;
  private final BlockingQueue<Runnable> messages = new LinkedBlockingQueue<>();
  private Runnable work;
  private Supplier<Instant> nextDeadline;
  private Clock clock;
  private Thread thread;
  private boolean ready; // of the thread alone
  private boolean stopped; // of the thread alone
  private boolean closed; // guarded by this

  /** {@code what} names the owner in error messages. */
  Mailbox(String what) {
    this.what = what;
  }

  void start(String threadName, Runnable doWork, Supplier<Instant> deadline, Clock theClock) {
    work = doWork;
    nextDeadline = deadline;
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

  void run(Runnable message) {
    call(() -> {
      message.run();
      return null;
    });
  }

  /** Has the thread work out a value, and waits for it. */
  <T> T call(Supplier<T> message) {
    if (Thread.currentThread() == thread) {
      return message.get();
    }
    CompletableFuture<T> answer = new CompletableFuture<>();
    if (!offer(() -> answer(message, answer), answer)) {
      throw new IllegalStateException("The " + what + " is closed.");
    }
    return await(answer);
  }

  /** Runs a last message and ends the thread. Only the first call does anything. */
  void stop(Runnable last) {
    CompletableFuture<Void> answer = new CompletableFuture<>();
    Runnable message =
        () -> {
          stopped = true;
          answer(
              () -> {
                last.run();
                return null;
              },
              answer);
        };
    synchronized (this) {
      if (closed) {
        return;
      }
      messages.add(new Message(message, answer));
      closed = true;
    }
    if (Thread.currentThread() != thread) {
      await(answer);
    }
  }

  /** A message with somebody waiting. */
  private record Message(Runnable action, CompletableFuture<?> answer) implements Runnable {
    @Override
    public void run() {
      action.run();
    }
  }

  private synchronized boolean offer(Runnable action, CompletableFuture<?> answer) {
    return !closed && messages.add(new Message(action, answer));
  }

  private static <T> void answer(Supplier<T> message, CompletableFuture<T> answer) {
    try {
      answer.complete(message.get());
    } catch (RuntimeException e) {
      answer.completeExceptionally(e);
    } catch (Error e) {
      answer.completeExceptionally(e);
      throw e;
    }
  }

  private static <T> T await(CompletableFuture<T> answer) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return answer.get();
        } catch (InterruptedException e) {
          interrupted = true; // the message will be carried out, so its end is waited for
        } catch (ExecutionException e) {
          throw rethrow(e.getCause());
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static RuntimeException rethrow(Throwable cause) {
    switch (cause) {
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new IllegalStateException(cause);
    }
  }

  private void loop() {
    try {
      while (!stopped) {
        Runnable message = messages.poll(sleepMs(), TimeUnit.MILLISECONDS);
        while (message != null && !stopped) {
          guarded(message);
          message = stopped ? null : messages.poll();
        }
        if (ready && !stopped) {
          guarded(work);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      abandon();
    }
  }

  /** A mistake in one message must not stop the overlay; those who wait for one get it. */
  private void guarded(Runnable action) {
    try {
      action.run();
    } catch (RuntimeException e) {
      LOG.log(Level.ERROR, "The " + what + " met an unexpected error and goes on.", e);
    }
  }

  /** Nobody may wait for ever, whatever ended the thread. */
  private synchronized void abandon() {
    closed = true;
    for (Runnable message : messages) {
      if (message instanceof Message waiting) {
        waiting
            .answer()
            .completeExceptionally(new IllegalStateException("The " + what + " is closed."));
      }
    }
    messages.clear();
  }

  private long sleepMs() {
    if (!ready) {
      return LONGEST_SLEEP.toMillis();
    }
    Instant deadline = nextDeadline.get();
    Instant now = clock.instant();
    if (!deadline.isBefore(now.plus(LONGEST_SLEEP))) {
      return LONGEST_SLEEP.toMillis();
    }
    return Math.clamp(Duration.between(now, deadline).toMillis() + 1, 0, LONGEST_SLEEP.toMillis());
  }
}
