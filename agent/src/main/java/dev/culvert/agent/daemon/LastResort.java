// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import java.time.Duration;

/**
 * Ends the process when it was to end and does not: something foreign may hold up any of its
 * threads, and an upgrade may have taken away the classes that it would need. Its own thread waits
 * from the start, so that nothing has to be loaded any more. Any thread may call.
 */
final class LastResort implements AutoCloseable {
  /** What ends the process, or what a test has in its place. */
  interface Halt {
    /** Says why, and ends it. */
    void now(String sentence);
  }

  private static final long NEVER = Long.MAX_VALUE;

  private final Halt halt;
  private final Thread thread;
  private long atNs = NEVER; // guarded by this
  private String sentence = ""; // guarded by this

  private LastResort(Halt halt) {
    this.halt = halt;
    this.thread =
        Thread.ofPlatform().daemon().name("culvert-last-resort").unstarted(this::waitForIt);
  }

  static LastResort start() {
    return start(sentence -> {
      System.err.println(sentence);
      Runtime.getRuntime().halt(1);
    });
  }

  static LastResort start(Halt halt) {
    LastResort resort = new LastResort(halt);
    resort.thread.start();
    return resort;
  }

  /**
   * The process is to have ended in that time; a time that was set before and is sooner stands.
   *
   * @param why printed when it has not
   */
  synchronized void within(Duration patience, String why) {
    long newNs = System.nanoTime() + patience.toNanos();
    if (atNs == NEVER || newNs - atNs < 0) {
      atNs = newNs;
      sentence = why;
      notifyAll();
    }
  }

  private void waitForIt() {
    try {
      halt.now(await());
    } catch (InterruptedException closed) {
      // The process ends by itself.
    }
  }

  private synchronized String await() throws InterruptedException {
    while (true) {
      if (atNs == NEVER) {
        wait();
      } else {
        long leftNs = atNs - System.nanoTime();
        if (leftNs <= 0) {
          return sentence;
        }
        wait(leftNs / 1_000_000 + 1);
      }
    }
  }

  @Override
  public void close() {
    thread.interrupt();
  }
}
