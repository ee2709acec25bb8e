// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.output.Json;
import dev.culvert.agent.socket.ControlClient;
import dev.culvert.agent.socket.Instance;
import dev.culvert.agent.socket.InstanceLock;
import dev.culvert.datapath.ebpf.DatapathSnapshot;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** One page about one host. */
@Command(
    name = "status",
    description =
        "Show one host's part in the overlay: what the kernel holds, and what the agent adds when it runs.")
public final class StatusCommand implements Runnable {
  // A status that hangs is worse than one that says "does not answer".
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  @Mixin private ReadOptions options;

  @Override
  public void run() {
    Instance instance = options.instance();
    ControlClient.Reply reply =
        new ControlClient(instance.socket()).ask(Map.of("request", "status"), PATIENCE);
    DatapathSnapshot inspection = options.inspect(instance);
    Optional<InstanceLock.Holder> last = InstanceLock.last(instance.lock());
    StatusReport report = new StatusReport(instance, reply, last, inspection);
    options.out().print(options.json() ? Json.pretty(report.view()) + "\n" : report.text());
    options.out().flush();
  }
}
