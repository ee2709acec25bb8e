// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.config.AgentConfig;
import dev.culvert.agent.output.Json;
import dev.culvert.control.Lease;
import dev.culvert.control.LeaseAudit;
import dev.culvert.control.LeaseStore;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** What is wrong in the store. */
@Command(
    name = "check",
    description =
        "Look for what is wrong in the store: broken and foreign entries, overlaps, tunnel ends that"
            + " two hosts name, subnets outside the network, clocks that are ahead. Exit code 1 where"
            + " something is.")
public final class StoreCheckCommand implements Callable<Integer> {
  @Mixin private StoreOptions options;

  @Override
  public Integer call() {
    AgentConfig config = options.config();
    List<String> problems = new ArrayList<>();
    int count;
    try (LeaseStore store = options.open(config)) {
      List<Lease> leases = store.list();
      count = leases.size();
      problems.addAll(store.problems());
      store
          .network(config.vni())
          .flatMap(network -> network.contradiction(config.agreed(network)))
          .ifPresent(contradiction ->
              problems.add(
                  "The configuration contradicts the network in the store: "
                      + contradiction
                      + "."));
      problems.addAll(LeaseAudit.find(config.networks(), config.vni(), leases, Instant.now()));
    }
    if (options.json()) {
      Map<String, Object> view = new LinkedHashMap<>();
      view.put("ok", problems.isEmpty());
      view.put("leases", count);
      view.put("problems", problems);
      options.out().println(Json.pretty(view));
    } else {
      problems.forEach(options.out()::println);
      if (problems.isEmpty()) {
        options.out().println(count + (count == 1 ? " lease, " : " leases, ") + "all well");
      }
    }
    options.out().flush();
    return problems.isEmpty() ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
  }
}
