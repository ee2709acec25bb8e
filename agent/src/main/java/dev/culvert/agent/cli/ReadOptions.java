// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.UserException;
import dev.culvert.agent.daemon.MountNamespace;
import dev.culvert.agent.output.Json;
import dev.culvert.agent.output.Table;
import dev.culvert.agent.socket.ControlClient;
import dev.culvert.agent.socket.Instance;
import dev.culvert.agent.socket.TablesView;
import dev.culvert.datapath.ebpf.DatapathSnapshot;
import dev.culvert.kernel.Libc;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What all showing commands share. */
public final class ReadOptions {
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private final TableReader reader;

  @Mixin private HostOptions host;

  @Option(names = "--json", description = "Print JSON, with the field names of docs/cli.md.")
  private boolean json;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  public ReadOptions(TableReader reader) {
    this.reader = reader;
  }

  Instance instance() {
    return host.instance();
  }

  DatapathSnapshot inspect(Instance instance) {
    return inspect(instance, PATIENCE);
  }

  /**
   * The tables, pinned or the agent's own.
   *
   * @param patience how long an agent may take to tell its own
   */
  DatapathSnapshot inspect(Instance instance, Duration patience) {
    if (!Files.isDirectory(instance.pins())) {
      Optional<DatapathSnapshot> tables = ask(instance, patience);
      if (tables.isPresent()) {
        return tables.get();
      }
    }
    requirePins(instance);
    return reader.read(instance.pins());
  }

  /**
   * @throws UserException when there are none
   */
  void requirePins(Instance instance) {
    if (!Files.isDirectory(instance.pins())) {
      throw new UserException(
          MountNamespace.hidden(Libc.system(), instance.bpffs())
              .orElse(
                  "There is nothing pinned at %s: the agent of host %s is still starting, has left, or carries packets itself (datapath: userspace) and is dead; look at its log."
                      .formatted(instance.pins(), instance.host())));
    }
  }

  /** An agent that carries packets itself has the tables itself. */
  private static Optional<DatapathSnapshot> ask(Instance instance, Duration patience) {
    ControlClient client = new ControlClient(instance.socket());
    try {
      return client.ask(Map.of("request", "tables"), patience)
              instanceof ControlClient.Reply.Answer(Map<String, Object> fields)
          ? Optional.of(TablesView.read(fields))
          : Optional.empty();
    } catch (UserException refused) { // It has none: what is missing is pinned, or was.
      return Optional.empty();
    }
  }

  boolean json() {
    return json;
  }

  PrintWriter out() {
    return spec.commandLine().getOut();
  }

  /**
   * What is listed.
   *
   * @param key of the list in JSON
   * @param none what is said instead of an empty table
   */
  record Listing(String key, List<Map<String, Object>> views, String none) {}

  /** Prints a list under one key, or as a table with a sentence for none. */
  void print(Instance instance, Listing listing, Supplier<Table> table) {
    List<Map<String, Object>> views = listing.views();
    if (json) {
      Map<String, Object> root = new LinkedHashMap<>();
      root.put("host", instance.host().text());
      root.put(listing.key(), views);
      out().println(Json.pretty(root));
    } else if (views.isEmpty()) {
      out().println(listing.none());
    } else {
      out().print(table.get().render());
    }
    out().flush();
  }
}
