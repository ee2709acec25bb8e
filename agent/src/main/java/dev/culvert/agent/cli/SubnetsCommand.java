// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.output.Table;
import dev.culvert.agent.output.Views;
import dev.culvert.agent.socket.Instance;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.ebpf.DatapathSnapshot;
import dev.culvert.kernel.IpAddresses;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Which subnet is behind which VTEP. */
@Command(
    name = "subnets",
    description =
        "Show which subnet is where, as the kernel has it (also while the agent is dead).")
public final class SubnetsCommand implements Runnable {
  @Mixin private ReadOptions options;

  @Override
  public void run() {
    Instance instance = options.instance();
    DatapathSnapshot tables = options.inspect(instance);
    Datapath.State state = tables.state();
    List<LocalSubnet> locals =
        state.locals().stream().sorted(Comparator.comparing(LocalSubnet::subnet)).toList();
    List<RemoteSubnet> remotes =
        state.remotes().stream().sorted(Comparator.comparing(RemoteSubnet::subnet)).toList();
    List<Map<String, Object>> views = new ArrayList<>();
    locals.forEach(local -> views.add(Views.local(local)));
    remotes.forEach(remote -> views.add(Views.remote(remote, tables)));
    options.print(
        instance,
        new ReadOptions.Listing(
            "subnets", views, "The agent has put no subnet into the kernel yet."),
        () -> table(locals, remotes, tables));
  }

  private static Table table(
      List<LocalSubnet> locals, List<RemoteSubnet> remotes, DatapathSnapshot tables) {
    Table table = new Table("SUBNET", "VNI", "WAY", "VTEP", "NEXT HOP", "IF", "MTU", "LOWERED FOR");
    for (LocalSubnet local : locals) {
      table.row(
          local.subnet().prefix(),
          local.subnet().vni(),
          local.bridgeIndex() == 0 ? "local" : "bridge",
          null,
          null,
          local.bridgeIndex() == 0 ? null : local.bridgeIndex(),
          null,
          null);
    }
    for (RemoteSubnet remote : remotes) {
      table.row(
          remote.subnet().prefix(),
          remote.subnet().vni(),
          Views.way(remote),
          IpAddresses.withPort(remote.remote().address(), remote.remote().port()),
          remote.nextHop().map(hop -> IpAddresses.text(hop.gateway())).orElse(null),
          remote.nextHop().map(NextHop::interfaceIndex).orElse(null),
          tables.mtuBytes(remote).orElse(null),
          tables.lowered(remote).map(lowered -> lowered.left().toSeconds() + " s").orElse(null));
    }
    return table;
  }
}
