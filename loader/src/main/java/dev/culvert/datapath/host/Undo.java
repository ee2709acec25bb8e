// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * All or nothing: each step that was done leaves its reverse here, and closing without {@link
 * #commit()} takes them in reverse order.
 */
public final class Undo implements AutoCloseable {
  private final Deque<Runnable> steps = new ArrayDeque<>();

  public void push(Runnable reverse) {
    steps.push(reverse);
  }

  /** Everything succeeded: nothing is to be reversed. */
  public void commit() {
    steps.clear();
  }

  @Override
  public void close() {
    RuntimeException first = null;
    while (!steps.isEmpty()) {
      try {
        steps.pop().run();
      } catch (RuntimeException e) {
        if (first == null) {
          first = e;
        } else {
          first.addSuppressed(e);
        }
      }
    }
    if (first != null) {
      throw first;
    }
  }
}
