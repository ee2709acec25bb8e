// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Costs as they were recorded, and whether new ones are worse than chance explains. Only what is
 * the same on every machine is recorded: counts, and ratios within one run. Pure.
 */
public final class Baseline {
  /** A kind of cost, and how much more of it is no news. Names in the file begin with its word. */
  enum Kind {
    /** After the verifier; kernels differ in what they inline. */
    INSTRUCTIONS("instructions", 1.15, 8),
    /** Of a packet's ns to those of bpf_skb_adjust_room; processors and neighbours differ. */
    RATIO("ratio", 1.6, 0.3),
    /** Allocated on the heap; a compiler that has not seen enough yet allocates a little. */
    BYTES("bytes", 1, 8);

    private final String word;
    private final double factor;
    private final double more;

    Kind(String word, double factor, double more) {
      this.word = word;
      this.factor = factor;
      this.more = more;
    }

    double allowed(double recorded) {
      return recorded * factor + more;
    }

    static Kind of(String name) {
      for (Kind kind : values()) {
        if (name.startsWith(kind.word + " ")) {
          return kind;
        }
      }
      throw new IllegalArgumentException("\"" + name + "\" is of no kind that is recorded.");
    }
  }

  private static final String HEADING = "cost,value";

  /** Half of the last digit that is written. */
  private static final double ROUNDING = 0.005;

  private final SortedMap<String, Double> recorded;

  private Baseline(SortedMap<String, Double> recorded) {
    this.recorded = recorded;
  }

  /** What was measured, to be recorded. */
  public static Baseline of(Map<String, Double> measured) {
    measured.keySet().forEach(Kind::of);
    return new Baseline(new TreeMap<>(measured));
  }

  /**
   * Reads the file's lines.
   *
   * @throws IllegalArgumentException for a line that is none of ours
   */
  public static Baseline parse(List<String> lines) {
    SortedMap<String, Double> recorded = new TreeMap<>();
    for (String line : lines) {
      if (line.startsWith("#") || line.isBlank() || line.equals(HEADING)) {
        continue;
      }
      int comma = line.lastIndexOf(',');
      if (comma < 0) {
        throw new IllegalArgumentException("\"" + line + "\" is no line \"cost,value\".");
      }
      String name = line.substring(0, comma);
      Kind.of(name);
      recorded.put(name, Double.valueOf(line.substring(comma + 1)));
    }
    return new Baseline(recorded);
  }

  /** The file's lines. */
  public List<String> lines() {
    List<String> lines = new ArrayList<>();
    lines.add("# SPDX-License-Identifier: Apache-2.0");
    lines.add(
        "# What things cost when this was recorded: \"./dev bench baseline\" writes it, the tests compare with it.");
    lines.add(HEADING);
    recorded.forEach(
        (name, value) -> lines.add(String.format(Locale.ROOT, "%s,%.2f", name, value)));
    return lines;
  }

  /** One sentence for each cost that is worse than recorded, or that nobody recorded. */
  public List<String> complaints(Map<String, Double> measured) {
    List<String> complaints = new ArrayList<>();
    new TreeMap<>(measured)
        .forEach((name, value) -> {
          Double before = recorded.get(name);
          if (before == null) {
            complaints.add(
                "\""
                    + name
                    + "\" is not recorded: run \"sudo ./dev bench baseline\" and commit bench/baseline.csv.");
          } else if (value > Kind.of(name).allowed(before) + ROUNDING) {
            complaints.add(
                String.format(
                    Locale.ROOT,
                    "\"%s\" is %.2f; %.2f was recorded, and up to %.2f is allowed. If the change is worth it, run"
                        + " \"sudo ./dev bench baseline\" and commit bench/baseline.csv.",
                    name,
                    value,
                    before,
                    Kind.of(name).allowed(before)));
          }
        });
    return complaints;
  }
}
