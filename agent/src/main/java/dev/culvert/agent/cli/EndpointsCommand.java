// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.output.Table;
import dev.culvert.agent.output.Views;
import dev.culvert.agent.socket.Instance;
import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.kernel.IpAddresses;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** The containers of this host. */
@Command(
    name = "endpoints",
    description =
        "Show this host's containers, as the kernel has them (also while the agent is dead).")
public final class EndpointsCommand implements Runnable {
  @Mixin private ReadOptions options;

  @Override
  public void run() {
    Instance instance = options.instance();
    List<Endpoint> endpoints =
        options.inspect(instance).state().endpoints().stream()
            .sorted(Comparator.comparing(Endpoint::vni).thenComparing(EndpointsCommand::order))
            .toList();
    options.print(
        instance,
        new ReadOptions.Listing(
            "endpoints",
            endpoints.stream().map(Views::endpoint).toList(),
            "This host has no container in the overlay; attach one: culvert attach NETNS."),
        () -> table(endpoints));
  }

  static Table table(List<Endpoint> endpoints) {
    Table table = new Table("ADDRESS", "VNI", "IF", "DELIVERY", "MAC", "HOST MAC", "CONTAINER");
    for (Endpoint endpoint : endpoints) {
      table.row(
          endpoint.addresses().stream().map(IpAddresses::text).collect(Collectors.joining(", ")),
          endpoint.vni(),
          endpoint.interfaceIndex(),
          endpoint.peer() ? "peer" : "interface",
          endpoint.mac(),
          endpoint.hostMac(),
          endpoint.container().map(ContainerEnd::toString).orElse("-"));
    }
    return table;
  }

  /** Numeric, so that .10 comes behind .9. */
  private static IpPrefix order(Endpoint endpoint) {
    return IpPrefix.of(endpoint.address());
  }
}
