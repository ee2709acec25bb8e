// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.output.Table;
import dev.culvert.agent.output.Views;
import dev.culvert.agent.socket.Instance;
import dev.culvert.datapath.Counter;
import dev.culvert.datapath.Traffic;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.ebpf.DatapathSnapshot;
import dev.culvert.kernel.IpAddresses;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What became of packets, and between whom they went. */
@Command(
    name = "counters",
    description =
        "Show how packets ended, or who sent and received them (also while the agent is dead).")
public final class CountersCommand implements Runnable {
  private static final Counter ZERO = new Counter(0, 0);

  /** What the counters are kept by. The names are what people type. */
  enum By {
    verdict,
    vtep,
    endpoint
  }

  @Mixin private ReadOptions options;

  @Option(
      names = "--by",
      paramLabel = "WHAT",
      defaultValue = "verdict",
      description = "verdict, vtep or endpoint (default: ${DEFAULT-VALUE}).")
  private By by;

  @Option(names = "--all", description = "Show what never counted anything too (JSON always does).")
  private boolean all;

  private final List<Map<String, Object>> views = new ArrayList<>();

  @Override
  public void run() {
    Instance instance = options.instance();
    DatapathSnapshot datapath = options.inspect(instance);
    Table table =
        switch (by) {
          case verdict -> byVerdict(datapath);
          case vtep -> byVtep(datapath);
          case endpoint -> byEndpoint(datapath);
        };
    if (!options.json() && table.isEmpty()) {
      views.clear();
    }
    options.print(
        instance,
        new ReadOptions.Listing("counters", views, "No packet has passed yet."),
        () -> table);
  }

  private Table byVerdict(DatapathSnapshot datapath) {
    Table table = new Table("VERDICT", "PACKETS", "BYTES", "MEANING");
    for (Verdict verdict : Verdict.values()) {
      Counter counter = datapath.counters().getOrDefault(verdict, ZERO);
      views.add(Views.counter(verdict, counter));
      if (all || counter.packets() > 0) {
        table.row(verdict, counter.packets(), counter.bytes(), verdict.meaning());
      }
    }
    return table;
  }

  private Table byVtep(DatapathSnapshot datapath) {
    Table table = new Table("VTEP", "SENT", "BYTES", "RECEIVED", "BYTES");
    datapath
        .traffic()
        .byVtep()
        .forEach((vtep, traffic) -> {
          views.add(Views.traffic(vtep, traffic));
          if (isShown(traffic)) {
            table.row(
                IpAddresses.text(vtep),
                traffic.sent().packets(),
                traffic.sent().bytes(),
                traffic.received().packets(),
                traffic.received().bytes());
          }
        });
    return table;
  }

  private Table byEndpoint(DatapathSnapshot datapath) {
    Table table = new Table("ENDPOINT", "VNI", "SENT", "BYTES", "RECEIVED", "BYTES");
    datapath
        .traffic()
        .byEndpoint()
        .forEach((endpoint, traffic) -> {
          views.add(Views.traffic(endpoint, traffic));
          if (isShown(traffic)) {
            table.row(
                IpAddresses.text(endpoint.address()),
                endpoint.vni(),
                traffic.sent().packets(),
                traffic.sent().bytes(),
                traffic.received().packets(),
                traffic.received().bytes());
          }
        });
    return table;
  }

  private boolean isShown(Traffic traffic) {
    return all || !traffic.equals(Traffic.NONE);
  }
}
