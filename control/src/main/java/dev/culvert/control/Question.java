// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * What somebody wants of a {@link Mailbox}'s thread.
 *
 * @param what names it, such as "attaching /run/netns/blue"
 * @param limit how long the one who asks waits
 * @param takeBack undoes what was done for somebody who waits no longer; without one it stays
 */
record Question<T>(
    String what, Duration limit, Supplier<T> action, Optional<Consumer<T>> takeBack) {
  /** With nothing to take back: reading, and what may be done twice. */
  static <T> Question<T> of(String what, Duration limit, Supplier<T> action) {
    return new Question<>(what, limit, action, Optional.empty());
  }

  /** Without an answer. */
  static Question<Void> order(String what, Duration limit, Runnable action) {
    return of(
        what,
        limit,
        () -> {
          action.run();
          return null;
        });
  }

  Question<T> withAction(Supplier<T> other) {
    return new Question<>(what, limit, other, takeBack);
  }
}
