// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import dev.culvert.kernel.KernelException;
import java.util.List;

/**
 * The verifier refused a program. The message holds the end of its log, where the reason stands;
 * {@link #log()} all.
 */
public final class VerifierRejected extends KernelException {
  private static final long serialVersionUID = 1;
  private static final int LINES_BEFORE = 8;

  private final String log;

  VerifierRejected(String program, int errno, String hint, String log) {
    super("BPF_PROG_LOAD", "program " + program, errno, join(hint, excerpt(log)));
    this.log = log;
  }

  /** {@return the verifier's whole log, many lines; empty where it gave none} */
  public String log() {
    return log;
  }

  private static String join(String hint, String excerpt) {
    return hint.isEmpty() ? excerpt : excerpt + "\n  " + hint;
  }

  /** The reason first, then the lines that led to it, in their order. */
  private static String excerpt(String log) {
    List<String> lines =
        log.lines()
            .map(String::strip)
            // Statistics, which follow the reason.
            .filter(l ->
                !l.isEmpty() && !l.startsWith("processed ") && !l.startsWith("verification time"))
            .filter(l -> !l.startsWith("stack depth ") && !l.startsWith("max_states_per_insn"))
            .toList();
    if (lines.isEmpty()) {
      return "the verifier gave no reason";
    }
    int last = lines.size() - 1;
    StringBuilder text = new StringBuilder("the verifier says: ").append(lines.get(last));
    for (String line : lines.subList(Math.max(0, last - LINES_BEFORE), last)) {
      text.append("\n  | ").append(line);
    }
    return text.toString();
  }
}
