// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.output.Ages;
import dev.culvert.agent.output.Json;
import dev.culvert.agent.output.Table;
import dev.culvert.agent.output.Views;
import dev.culvert.control.Lease;
import dev.culvert.control.LeaseStore;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** All leases. */
@Command(name = "list", description = "Show every lease that the store holds.")
public final class StoreListCommand implements Runnable {
  @Mixin private StoreOptions options;

  @Override
  public void run() {
    List<Lease> leases;
    try (LeaseStore store = options.open(options.config())) {
      leases = store.list();
    }
    if (options.json()) {
      options
          .out()
          .println(Json.pretty(Map.of("leases", leases.stream().map(Views::lease).toList())));
    } else if (leases.isEmpty()) {
      options.out().println("The store holds no lease.");
    } else {
      options.out().print(table(leases, Instant.now()).render());
    }
    options.out().flush();
  }

  /** What is long ago or ahead, is so by this machine's clock. */
  private static Table table(List<Lease> leases, Instant now) {
    Table table = new Table("HOST", "SUBNET", "VNI", "VTEP", "GENERATION", "RENEWED", "EXPIRES");
    for (Lease lease : leases) {
      table.row(
          lease.host(),
          lease.subnet().prefix(),
          lease.subnet().vni(),
          lease.vtep(),
          lease.generation(),
          lease.term().flatMap(Lease.Term::renewed).map(at -> Ages.text(now, at)).orElse(null),
          lease.expires().map(at -> Ages.text(now, at)).orElse("never"));
    }
    return table;
  }
}
