// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.output.Json;
import dev.culvert.agent.output.Views;
import dev.culvert.control.Lease;
import dev.culvert.control.LeaseStore;
import dev.culvert.control.store.LeaseText;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** One lease, as a person may write it back. */
@Command(
    name = "get",
    description = "Show the lease of a subnet, or those of a host, as they are stored.")
public final class StoreGetCommand implements Runnable {
  @Parameters(paramLabel = "SUBNET|HOST", description = "Such as 10.244.2.0/24 or host-02.")
  private String which;

  @Mixin private StoreOptions options;

  @Override
  public void run() {
    List<Lease> found;
    try (LeaseStore store = options.open(options.config())) {
      found = StoreOptions.find(store.list(), which);
    }
    if (options.json()) {
      options
          .out()
          .println(Json.pretty(Map.of("leases", found.stream().map(Views::lease).toList())));
    } else {
      options.out().print(found.stream().map(LeaseText::format).collect(Collectors.joining("\n")));
    }
    options.out().flush();
  }
}
