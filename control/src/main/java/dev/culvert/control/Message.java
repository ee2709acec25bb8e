// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;

/**
 * A message with somebody waiting. It is carried out or given up, never both: who waits too long
 * may believe that it was not done.
 */
final class Message<T> implements Runnable {
  private static final System.Logger LOG = System.getLogger(Message.class.getName());

  private enum State {
    WAITING,
    UNDER_WAY,
    DONE,
    /** Nobody waits any more. */
    GIVEN_UP
  }

  private final Question<T> question;
  private final Supplier<String> busy;
  private final AtomicReference<State> state = new AtomicReference<>(State.WAITING);
  private final CompletableFuture<T> answer = new CompletableFuture<>();

  /**
   * @param busy begins a sentence that says why it takes so long
   */
  Message(Question<T> question, Supplier<String> busy) {
    this.question = question;
    this.busy = busy;
  }

  @Override
  public void run() {
    if (!state.compareAndSet(State.WAITING, State.UNDER_WAY)) {
      return;
    }
    T result;
    try {
      result = question.action().get();
    } catch (Throwable e) { // also an Error: it belongs to who waits, not to the thread
      if (state.getAndSet(State.DONE) == State.GIVEN_UP) {
        LOG.log(Level.WARNING, "What nobody waits for any more failed: " + question.what(), e);
      }
      answer.completeExceptionally(e);
      return;
    }
    if (state.compareAndSet(State.UNDER_WAY, State.DONE)) {
      answer.complete(result);
    } else {
      question
          .takeBack()
          .ifPresent(takeBack -> {
            LOG.log(
                Level.WARNING, "Taking back what nobody waits for any more: " + question.what());
            takeBack.accept(result);
          });
    }
  }

  /** The thread is gone. */
  void fail(RuntimeException e) {
    answer.completeExceptionally(e);
  }

  /** Waits for its end, however it ends, and for no longer than that. */
  boolean isDone(Duration within) {
    try {
      answer.handle((_, _) -> true).get(within.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (TimeoutException | ExecutionException e) {
      return false;
    }
    return answer.isDone();
  }

  /**
   * Waits for the answer; an interrupt is kept for later.
   *
   * @throws OverlayBusyException when it takes too long
   */
  T await() {
    long endNs = System.nanoTime() + question.limit().toNanos();
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return answer.get(endNs - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
          interrupted = true; // the message will be carried out, so its end is waited for
        } catch (TimeoutException e) {
          giveUp();
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

  /** Comes back when the answer is there after all, in this very moment. */
  private void giveUp() {
    if (state.compareAndSet(State.WAITING, State.GIVEN_UP)) {
      throw new OverlayBusyException(
          busy.get() + ": " + question.what() + " was not begun, and will not be.");
    }
    if (state.compareAndSet(State.UNDER_WAY, State.GIVEN_UP)) {
      throw new OverlayBusyException(
          busy.get()
              + ": "
              + question.what()
              + " is under way for longer than "
              + question.limit().toSeconds()
              + " s"
              + (question.takeBack().isPresent()
                  ? ", and is taken back when it ends."
                  : ", and may still be done."));
    }
    Thread.onSpinWait();
  }

  private static RuntimeException rethrow(Throwable cause) {
    switch (cause) {
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new IllegalStateException(cause);
    }
  }
}
