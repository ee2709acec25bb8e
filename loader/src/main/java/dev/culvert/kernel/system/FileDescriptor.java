// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.system;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/** Owns one kernel file descriptor; closing twice is harmless. Usable from any thread. */
public final class FileDescriptor implements AutoCloseable {
  private static final int CLOSED = -1;

  private final SystemCalls calls;
  private final AtomicInteger number;

  /** Takes over a descriptor that was just made. */
  public FileDescriptor(SystemCalls calls, int number) {
    this.calls = calls;
    this.number = new AtomicInteger(number);
  }

  /**
   * The descriptor's number.
   *
   * @throws IllegalStateException after {@link #close()}
   */
  public int number() {
    int current = number.get();
    if (current == CLOSED) {
      throw new IllegalStateException("The file descriptor is closed.");
    }
    return current;
  }

  /** Makes the owner, who closes this from now on; it is closed here when that fails. */
  public <T> T handTo(Function<FileDescriptor, T> owner) {
    boolean made = false;
    try {
      T result = owner.apply(this);
      made = true;
      return result;
    } finally {
      if (!made) {
        close();
      }
    }
  }

  @Override
  public void close() {
    int open = number.getAndSet(CLOSED);
    if (open != CLOSED) {
      // Linux releases the number whatever close(2) answers, so there is nothing to retry.
      long _ = calls.call(Syscall.CLOSE, open, 0, 0, 0, 0, 0);
    }
  }
}
