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
import dev.culvert.datapath.Vni;
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
  private static final String VNI = "vni";
  private static final String WIRE_VNI = "wireVni";

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description =
          "Such as subnet.host-07=10.244.7.0/24 (that host's, and nobody else's), reserved=10.244.100.0/22 (nobody's), or port=8472, vni=7, directRouting=false, which running hosts go over to; docs/network.md has all keys.")
  private Map<String, String> set = new LinkedHashMap<>();

  @Option(names = "--unset", paramLabel = "KEY", description = "Take a line away.")
  private List<String> unset = new ArrayList<>();

  @Option(
      names = "--force",
      description =
          "Change also what running hosts cannot go over to (each is refused at its next start until its file agrees), or before they are done with the change before.")
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
      NetworkSettings there = before.orElseGet(() -> config.agreed());
      NetworkSettings after = change(there).after(there);
      requireOwnVni(store, there, after);
      if (!force) {
        requireFollowable(there, after, leases);
      }
      if (!store.putNetwork(config.vni(), before, Optional.of(after))) {
        throw new UserException(
            "The network in the store changed meanwhile, or makes no sense (\"culvert store check\");"
                + " nothing was written.");
      }
      options.out().print(NetworkText.format(after));
      tellHolders(after, leases);
      tellChange(there, after, leases);
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
    view.put("wireVni", settings.flatMap(known -> known.transport().vni()).map(Vni::toString));
    view.put("change", settings.flatMap(NetworkSettings::change).map(StoreNetworkCommand::view));
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

  private static Map<String, Object> view(NetworkSettings.Change change) {
    Map<String, Object> view = new LinkedHashMap<>();
    view.put("number", change.number());
    view.put("formerPort", change.former().port());
    view.put("formerDirectRouting", change.former().directRouting());
    view.put("formerWireVni", change.former().vni().map(Vni::toString));
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
    lines.put(VNI, before.vni().toString());
    String onWire = set.getOrDefault(VNI, lines.get(WIRE_VNI));
    if (before.vni().toString().equals(onWire)) {
      lines.remove(WIRE_VNI); // as it was at first
    } else if (onWire != null) {
      lines.put(WIRE_VNI, onWire);
    }
    try {
      return NetworkText.parse(
          lines.entrySet().stream()
              .map(line -> line.getKey() + " = " + line.getValue())
              .collect(Collectors.joining("\n")));
    } catch (MalformedException e) {
      throw new UserException("That is no network: " + e.getMessage(), e);
    }
  }

  /** What other networks' packets bear. */
  private static void requireOwnVni(
      LeaseStore store, NetworkSettings before, NetworkSettings after) {
    Optional<Vni> other =
        after.transport().vni().filter(vni -> !before.transport().vni().equals(Optional.of(vni)));
    boolean taken =
        other.isPresent()
            && (store.network(other.get()).isPresent()
                || store.list().stream()
                    .anyMatch(lease -> lease.subnet().vni().equals(other.get())));
    if (taken) {
      throw new UserException(
          "VNI "
              + other.get()
              + " is another network's in this store; nothing was written. Choose one that none has.");
    }
  }

  private static void requireFollowable(
      NetworkSettings before, NetworkSettings after, List<Lease> leases) {
    Optional<String> contradiction = before.contradiction(after.travelling(before));
    if (contradiction.isPresent() && !leases.isEmpty()) {
      throw new UserException(
          "%d %s by what is in the store now (%s), and no host changes over while it runs: let them leave first, or say --force, and start each anew with a file that agrees."
              .formatted(
                  leases.size(),
                  leases.size() == 1 ? "lease is" : "leases are",
                  contradiction.get()));
    }
    List<String> behind =
        leases.stream()
            .filter(lease -> lease.stage().sends() < before.number())
            .map(lease -> lease.host().text())
            .distinct()
            .sorted()
            .toList();
    if (!before.transport().equals(after.transport()) && !behind.isEmpty()) {
      throw new UserException(
          "Change "
              + before.number()
              + " is not over yet: "
              + String.join(", ", behind)
              + " may still send as before it, and hosts take two kinds of packets at most; nothing"
              + " was written. Wait, or release the leases of hosts that are gone for good.");
    }
  }

  private void tellChange(NetworkSettings before, NetworkSettings after, List<Lease> leases) {
    if (!before.transport().equals(after.transport()) && !leases.isEmpty()) {
      long hosts = leases.stream().map(Lease::host).distinct().count();
      options
          .out()
          .println(
              "# %d %s over from %s to %s; \"culvert status\" says how far."
                  .formatted(
                      hosts,
                      hosts == 1 ? "host goes" : "hosts go",
                      before.transport(),
                      after.transport()));
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
