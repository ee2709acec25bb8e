// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.UserException;
import dev.culvert.agent.config.AgentConfig;
import dev.culvert.agent.output.Json;
import dev.culvert.control.Lease;
import dev.culvert.control.LeaseStore;
import dev.culvert.control.NetworkSettings;
import dev.culvert.control.store.LeaseText.MalformedException;
import dev.culvert.control.store.NetworkText;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What all hosts of a network must agree on. */
@Command(
    name = "network",
    description =
        "Show or change what all hosts of the network must agree on, and what is reserved.")
public final class StoreNetworkCommand implements Runnable {
  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description =
          "Such as subnet.host-07=10.244.7.0/24 (that host's, and nobody else's) or reserved=10.244.100.0/22 (nobody's); docs/network.md has all keys.")
  private Map<String, String> set = new LinkedHashMap<>();

  @Option(names = "--unset", paramLabel = "KEY", description = "Take a line away.")
  private List<String> unset = new ArrayList<>();

  @Option(
      names = "--force",
      description =
          "Change what running hosts go by, too: each is refused at its next start until its file agrees.")
  private boolean force;

  @Mixin private StoreOptions options;

  @Override
  public void run() {
    AgentConfig config = options.config();
    try (LeaseStore store = options.open(config)) {
      List<Lease> leases =
          store.list().stream().filter(lease -> lease.subnet().vni().equals(config.vni())).toList();
      Optional<NetworkSettings> before = store.network(config.vni());
      if (set.isEmpty() && unset.isEmpty()) {
        show(config, before);
        return;
      }
      NetworkSettings after = change(before.orElseGet(() -> config.agreed()));
      if (!force) {
        before.ifPresent(there -> requireUnused(there, after, leases));
      }
      if (!store.putNetwork(config.vni(), before, Optional.of(after))) {
        throw new UserException(
            "The network in the store changed meanwhile, or makes no sense (\"culvert store check\");"
                + " nothing was written.");
      }
      options.out().print(NetworkText.format(after));
      tellHolders(after, leases);
    }
    options.out().flush();
  }

  private void show(AgentConfig config, Optional<NetworkSettings> settings) {
    if (options.json()) {
      options.out().println(Json.pretty(view(settings)));
    } else {
      options
          .out()
          .print(
              settings
                  .map(NetworkText::format)
                  .orElse(
                      "The store says nothing of the network with VNI %s; its first agent will.%n"
                          .formatted(config.vni())));
    }
    options.out().flush();
  }

  private static Map<String, Object> view(Optional<NetworkSettings> settings) {
    Map<String, Object> view = new LinkedHashMap<>();
    view.put("network", settings.map(NetworkSettings::agreed));
    view.put(
        "reserved",
        settings.stream()
            .flatMap(known -> known.reservations().never().stream())
            .map(Object::toString)
            .toList());
    Map<String, Object> byHost = new LinkedHashMap<>();
    settings.ifPresent(known ->
        known
            .reservations()
            .byHost()
            .forEach((host, subnets) ->
                byHost.put(host.text(), subnets.stream().map(Object::toString).toList())));
    view.put("subnets", byHost);
    return view;
  }

  /** By its text, so that keys are those that people read. */
  private NetworkSettings change(NetworkSettings before) {
    Map<String, String> lines = NetworkText.lines(before);
    for (String key : unset) {
      if (lines.remove(key) == null) {
        throw new UserException("The network in the store says nothing of " + key + ".");
      }
    }
    lines.putAll(set);
    try {
      return NetworkText.parse(
          lines.entrySet().stream()
              .map(line -> line.getKey() + " = " + line.getValue())
              .collect(Collectors.joining("\n")));
    } catch (MalformedException e) {
      throw new UserException("That is no network: " + e.getMessage(), e);
    }
  }

  private static void requireUnused(
      NetworkSettings before, NetworkSettings after, List<Lease> leases) {
    Optional<String> contradiction = before.contradiction(after);
    if (contradiction.isPresent() && !leases.isEmpty()) {
      throw new UserException(
          "%d %s by what is in the store now (%s), and no host changes over while it runs: let them leave first, or say --force, and start each anew with a file that agrees."
              .formatted(
                  leases.size(),
                  leases.size() == 1 ? "lease is" : "leases are",
                  contradiction.get()));
    }
    if (!before.vni().equals(after.vni())) {
      throw new UserException(
          "The network of VNI "
              + before.vni()
              + " stays that of VNI "
              + before.vni()
              + "; hosts whose file says another VNI write its network themselves.");
    }
  }

  private void tellHolders(NetworkSettings after, List<Lease> leases) {
    for (Lease lease : leases) {
      after
          .reservations()
          .forbids(lease.host(), lease.subnet().prefix())
          .ifPresent(why ->
              options
                  .out()
                  .println(
                      "# %s holds %s, which is %s now; it keeps it until it leaves."
                          .formatted(lease.host(), lease.subnet().prefix(), why)));
    }
  }
}
