// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A command for {@link Shell}.
 *
 * @param input what it reads; empty for nothing
 * @param timeout after which it is killed and counts as failed
 */
public record Command(List<String> words, String input, Duration timeout) {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  public Command {
    words = List.copyOf(words);
  }

  public static Command of(String... words) {
    return new Command(List.of(words), "", PATIENCE);
  }

  public static Command of(List<String> words) {
    return new Command(words, "", PATIENCE);
  }

  /**
   * The same in a network namespace. Unlike {@code ip netns exec}, nsenter leaves the mounts alone,
   * and so the bpf file system visible.
   */
  public Command in(String namespace) {
    List<String> all = new ArrayList<>(Namespaces.enter(namespace));
    all.addAll(words);
    return new Command(all, input, timeout);
  }

  /** The same on one processor; the last one, where there are fewer. */
  public Command on(int processor) {
    int last = Runtime.getRuntime().availableProcessors() - 1;
    List<String> all =
        new ArrayList<>(List.of("taskset", "-c", Integer.toString(Math.min(processor, last))));
    all.addAll(words);
    return new Command(all, input, timeout);
  }

  public Command reading(String text) {
    return new Command(words, text, timeout);
  }

  public Command within(Duration patience) {
    return new Command(words, input, patience);
  }

  @Override
  public String toString() {
    return String.join(" ", words);
  }
}
