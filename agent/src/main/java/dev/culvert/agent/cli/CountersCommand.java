// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.output.Table;
import dev.culvert.agent.output.Views;
import dev.culvert.agent.socket.Instance;
import dev.culvert.datapath.Counter;
import dev.culvert.datapath.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What became of packets. */
@Command(
    name = "counters",
    description = "Show how packets ended, by verdict (also while the agent is dead).")
public final class CountersCommand implements Runnable {
  private static final Counter ZERO = new Counter(0, 0);

  @Mixin private ReadOptions options;

  @Option(
      names = "--all",
      description = "Show verdicts that never happened too (JSON always does).")
  private boolean all;

  @Override
  public void run() {
    Instance instance = options.instance();
    Map<Verdict, Counter> counters = options.inspect(instance).counters();
    List<Map<String, Object>> views = new ArrayList<>();
    Table table = new Table("VERDICT", "PACKETS", "BYTES", "MEANING");
    for (Verdict verdict : Verdict.values()) {
      Counter counter = counters.getOrDefault(verdict, ZERO);
      views.add(Views.counter(verdict, counter));
      if (all || counter.packets() > 0) {
        table.row(verdict, counter.packets(), counter.bytes(), verdict.meaning());
      }
    }
    if (!options.json() && table.isEmpty()) {
      views.clear();
    }
    options.print(instance, "counters", views, () -> table, "No packet has passed yet.");
  }
}
