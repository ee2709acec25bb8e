// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.UserException;
import dev.culvert.agent.config.AgentConfig;
import dev.culvert.agent.config.ConfigFile;
import dev.culvert.agent.config.UnderlayWish;
import dev.culvert.agent.daemon.Firewall;
import dev.culvert.agent.daemon.UnderlayChoice;
import dev.culvert.agent.doctor.Check;
import dev.culvert.agent.doctor.ConfiguredHost;
import dev.culvert.agent.doctor.Doctor;
import dev.culvert.agent.output.Json;
import dev.culvert.agent.output.Table;
import dev.culvert.datapath.Vtep;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfFileSystem;
import dev.culvert.kernel.netlink.Netlink;
import dev.culvert.kernel.netlink.NfTables;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Looks whether an agent can run here. */
@Command(
    name = "doctor",
    description = "Look whether this machine can run an agent, and say what to do where it cannot.")
public final class DoctorCommand implements Callable<Integer> {
  @Option(
      names = "--config",
      paramLabel = "FILE",
      description =
          "An agent's configuration: look at its port, underlay, leases and the other hosts too.")
  private Path configFile;

  @Option(
      names = "--bpffs",
      paramLabel = "DIR",
      description =
          "Where the bpf file system should be (default: the configuration's, else /sys/fs/bpf).")
  private Path bpffs;

  @Option(
      names = "--underlay",
      paramLabel = "NAME",
      description =
          "The interface to other hosts, to say where its outer headers come off (default: that of the default route).")
  private String underlay;

  @Option(names = "--json", description = "Print JSON, with the field names of docs/cli.md.")
  private boolean json;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    List<Check> checks = examine(Optional.ofNullable(configFile).map(ConfigFile::load));
    boolean fit = checks.stream().noneMatch(check -> check.state() == Check.State.FAIL);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(Json.pretty(view(checks, fit)));
    } else {
      Table table = new Table("CHECK", "STATE", "FOUND", "WHAT TO DO");
      checks.forEach(check -> table.row(check.name(), state(check), check.found(), check.advice()));
      out.print(table.render());
      out.println(
          fit ? "An agent can run here." : "An agent cannot run here: see what fails above.");
    }
    return fit ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
  }

  private List<Check> examine(Optional<AgentConfig> config) {
    Path mounted =
        Optional.ofNullable(bpffs)
            .or(() -> config.map(AgentConfig::bpffs))
            .orElse(BpfFileSystem.DEFAULT);
    Doctor doctor = new Doctor(Libc.system(), Path.of("/proc"), mounted);
    List<Check> checks = new ArrayList<>(doctor.examine());
    checks.addAll(
        doctor.neighbours(
            config
                .map(Firewall::wanted)
                .orElseGet(
                    () -> new NfTables.Wanted(Vtep.VXLAN_PORT, Firewall.DEVICE, List.of()))));
    Optional<InterfaceName> named =
        Optional.ofNullable(underlay)
            .map(InterfaceName::new)
            .or(() -> config.flatMap(DoctorCommand::chosen));
    doctor.decapsulation(named).ifPresent(checks::add);
    doctor.reversePath(named).ifPresent(checks::add);
    config.ifPresent(own -> checks.addAll(new ConfiguredHost(Libc.system(), own).examine()));
    return checks;
  }

  /** Where nothing can be chosen, doctor says so elsewhere. */
  private static Optional<InterfaceName> chosen(AgentConfig config) {
    try (Netlink netlink = Netlink.open(Libc.system())) {
      return Optional.of(UnderlayChoice.of(config, netlink).underlay().interfaceName());
    } catch (UserException | KernelException nothing) {
      return config.underlay() instanceof UnderlayWish.Named(AgentConfig.Underlay underlay)
          ? Optional.of(underlay.interfaceName())
          : Optional.empty();
    }
  }

  private static Map<String, Object> view(List<Check> checks, boolean fit) {
    List<Map<String, Object>> views = new ArrayList<>();
    for (Check check : checks) {
      Map<String, Object> view = new LinkedHashMap<>();
      view.put("name", check.name());
      view.put("state", state(check));
      view.put("found", check.found());
      view.put("advice", check.advice());
      views.add(view);
    }
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("ok", fit);
    root.put("checks", views);
    return root;
  }

  private static String state(Check check) {
    return check.state().name().toLowerCase(Locale.ROOT);
  }
}
