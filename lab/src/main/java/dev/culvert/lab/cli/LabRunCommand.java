// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.cli;

import dev.culvert.agent.output.Json;
import dev.culvert.lab.Lab;
import dev.culvert.lab.LabException;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.LabState;
import dev.culvert.lab.Progress;
import dev.culvert.lab.Report;
import dev.culvert.lab.scenario.Stage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Walks the scenarios. */
@Command(
    name = "run",
    description = {
      "Build the scenarios one after the other, try each, compare datapaths, and remove all of it.",
      "Exit code 0 only if everything was as expected."
    })
public final class LabRunCommand implements Callable<Integer> {
  private static final int MIN_PER_HOST = 2;

  @Mixin private LabOptions options;

  @Parameters(
      arity = "0..*",
      paramLabel = "PART",
      description = "Only these: 1 2 3 4a 4b 4c6 4c 4d 5 6 matrix compare (default: all).")
  private List<String> parts = new ArrayList<>();

  @Option(names = "--json", paramLabel = "FILE", description = "Write all that was seen there.")
  private Path json;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    check();
    LabCommand.requireRoot();
    options.require();
    Progress progress = new Progress(spec.commandLine().getOut());
    Report report = new Report(progress);
    try (Lab lab = Lab.begin(LabState.Purpose.RUN, progress)) {
      LabPlan plan = options.plan(LabPlan.Underlay.ROUTED);
      Stage stage = new Stage(lab, report, options.kind(), plan);
      new LabRun(stage).run(parts.isEmpty() ? LabRun.parts() : parts);
      progress.now("removing the lab");
    }
    progress.done();
    progress.line(report.summary());
    if (json != null) {
      write(report);
    }
    return report.ok() ? 0 : 1;
  }

  private void check() {
    for (String part : parts) {
      if (!LabRun.parts().contains(part)) {
        throw new CommandLine.ParameterException(
            spec.commandLine(),
            "There is no part \"%s\"; choose from %s."
                .formatted(part, String.join(", ", LabRun.parts())));
      }
    }
    if (options.family() == LabPlan.Family.IPV6) {
      throw new CommandLine.ParameterException(
          spec.commandLine(),
          "The scenarios' addresses are IPv4; choose --family dual, whose part 4c6 has an IPv6"
              + " underlay, or \"lab up --family ipv6\".");
    }
    if (options.hosts() < 2 || options.containers() < MIN_PER_HOST * options.hosts()) {
      throw new CommandLine.ParameterException(
          spec.commandLine(),
          "The scenarios need at least 2 hosts, and " + MIN_PER_HOST + " containers on each.");
    }
  }

  private void write(Report report) {
    try {
      Files.writeString(json, Json.pretty(report.json()) + "\n");
    } catch (IOException e) {
      throw new LabException("Cannot write " + json + ": " + e.getMessage() + ".", e);
    }
  }
}
