// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.doctor.Check;
import dev.culvert.agent.doctor.Doctor;
import dev.culvert.agent.output.Json;
import dev.culvert.agent.output.Table;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.Libc;
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
      names = "--bpffs",
      paramLabel = "DIR",
      defaultValue = "/sys/fs/bpf",
      description = "Where the bpf file system should be (default: ${DEFAULT-VALUE}).")
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
    Doctor doctor = new Doctor(Libc.system(), Path.of("/proc"), bpffs);
    List<Check> checks = new ArrayList<>(doctor.examine());
    checks.addAll(doctor.neighbours());
    Optional<InterfaceName> named = Optional.ofNullable(underlay).map(InterfaceName::new);
    doctor.decapsulation(named).ifPresent(checks::add);
    doctor.reversePath(named).ifPresent(checks::add);
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
