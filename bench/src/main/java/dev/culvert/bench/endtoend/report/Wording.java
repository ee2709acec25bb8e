// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend.report;

import dev.culvert.bench.Machine;
import dev.culvert.bench.endtoend.result.Results;
import dev.culvert.measure.Comparison;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;

/** The sentences that every form of the report has. */
final class Wording {
  private Wording() {}

  /** What it ran on, as name and value. */
  static Grid machine(Results results) {
    Machine machine = results.machine();
    return new Grid(
        List.of("", ""),
        List.of(
            List.of("when", results.begun().truncatedTo(ChronoUnit.SECONDS).toString()),
            List.of("command", results.command()),
            List.of("commit", results.commit()),
            List.of("took", results.took().toSeconds() + " s"),
            List.of("processor", machine.processors() + " x " + machine.processor()),
            List.of("memory", machine.memory()),
            List.of("kernel", machine.kernel()),
            List.of("Java", machine.java()),
            List.of("processor faults worked around", machine.mitigations()),
            List.of(
                "busy with other programs just before",
                "%.0f %%".formatted(machine.busyBefore() * 100)),
            List.of("seed", Long.toString(results.seed()))));
  }

  /** What a reader must know before the figures. */
  static List<String> reading(Results results) {
    List<String> sentences = new ArrayList<>();
    if (results.machine().isBusy()) {
      sentences.add(
          "Other programs used %.0f %% of the processors just before this run: do not trust small differences."
              .formatted(results.machine().busyBefore() * 100));
    }
    sentences.add(
        "Contestants took turns on one processor each for client and server. A ratio is the median of the rounds' ratios, with"
            + " its 99 % bootstrap interval behind it.");
    sentences.add(
        "\"better\" and \"worse\" are only said when the whole interval is more than %.0f %% away from 1 (two runs of the same"
                .formatted(Comparison.MARGIN * 100)
            + " thing differ by a few percent); \"no winner\" when it is not, \"too noisy\" when the interval is wider than"
            + " %.0f %% of the ratio, \"too few rounds\" with fewer than %d rounds."
                .formatted(Comparison.MAX_WIDTH * 100, Comparison.MIN_ROUNDS));
    sentences.add(
        "Superpacket mode leaves the veths as they are: TCP's 64 KB packets cross the underlay whole, so tunnels look cheap. Wire"
            + " mode has them cut into frames before the underlay and merged again by the receiver, as on a wire.");
    return sentences;
  }
}
