// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.config.AgentConfig;
import dev.culvert.agent.config.ConfigFile;
import dev.culvert.agent.socket.Instance;
import dev.culvert.control.HostName;
import dev.culvert.control.Lease;
import dev.culvert.control.LeaseStore;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.kernel.RefusedException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Which store a command is about, and how it answers. No agent is asked. */
public final class StoreOptions {
  @Option(
      names = "--config",
      paramLabel = "FILE",
      description =
          "An agent's configuration, which names the store (default: that of this machine's agent).")
  private Path configFile;

  @Mixin private HostOptions host;

  @Option(names = "--json", description = "Print JSON, with the field names of docs/cli.md.")
  private boolean json;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  boolean json() {
    return json;
  }

  PrintWriter out() {
    return spec.commandLine().getOut();
  }

  AgentConfig config() {
    if (configFile != null) {
      return ConfigFile.load(configFile);
    }
    Instance instance = host.instance();
    return KnownConfig.load(
        instance,
        KnownConfig.file(
            instance,
            "The agent of host %s left no word of its configuration; name it with --config FILE."
                .formatted(instance.host())));
  }

  /**
   * Opens the store, which makes nothing that was not there.
   *
   * @return the caller's to close
   */
  LeaseStore open(AgentConfig config) {
    config.store().requireExisting();
    return config.store().open();
  }

  /**
   * The leases that somebody means: of a subnet, or of all subnets of a host.
   *
   * @throws RefusedException when there is none
   */
  static List<Lease> find(List<Lease> leases, String subnetOrHost) {
    Optional<IpPrefix> subnet = subnet(subnetOrHost);
    Predicate<Lease> meant =
        subnet.isPresent()
            ? lease -> lease.subnet().prefix().equals(subnet.get())
            : byHost(new HostName(subnetOrHost));
    List<Lease> found = leases.stream().filter(meant).toList();
    if (found.isEmpty()) {
      throw new RefusedException(
          "The store holds no lease of "
              + subnetOrHost
              + "; \"culvert store list\" shows those that there are.");
    }
    return found;
  }

  private static Predicate<Lease> byHost(HostName name) {
    return lease -> lease.host().equals(name);
  }

  /** A host's name has no slash. */
  static Optional<IpPrefix> subnet(String text) {
    return text.contains("/") ? Optional.of(IpPrefix.parse(text)) : Optional.empty();
  }
}
