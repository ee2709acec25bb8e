// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import java.util.List;

/**
 * What was seen in a step.
 *
 * @param ok whether it was what was expected
 * @param evidence packets or lines of output that show it
 */
public record Outcome(boolean ok, String seen, List<String> evidence) {
  public Outcome {
    evidence = List.copyOf(evidence);
  }

  public static Outcome of(boolean ok, String seen) {
    return new Outcome(ok, seen, List.of());
  }

  public Outcome with(List<String> lines) {
    return new Outcome(ok, seen, lines);
  }
}
