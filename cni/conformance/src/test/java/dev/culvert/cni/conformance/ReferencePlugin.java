// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance;

import dev.culvert.cni.conformance.check.Check;
import dev.culvert.cni.conformance.check.Checks;
import dev.culvert.cni.conformance.check.Outage;
import dev.culvert.cni.conformance.check.Stage;
import dev.culvert.cni.conformance.plugin.CniVersion;
import dev.culvert.cni.conformance.plugin.NetworkConfig;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A plugin that is right, or wrong in one thing: reference-plugin.py in the test's resources. */
record ReferencePlugin(Path executable, NetworkConfig network, Path state) {
  private static final Duration BOUND = Duration.ofSeconds(60);
  private static final int PARALLEL = 6;
  private static final int ROUNDS = 6;

  /**
   * Writes it.
   *
   * @param fault what is wrong in it, empty for nothing
   */
  static ReferencePlugin write(Path folder, String fault) throws IOException {
    Path state = folder.resolve("state");
    Path executable = folder.resolve("reference");
    try (InputStream in = ReferencePlugin.class.getResourceAsStream("reference-plugin.py")) {
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      Files.writeString(
          executable, text.replace("@FAULT@", fault).replace("@STATE@", state.toString()));
    }
    Files.setPosixFilePermissions(executable, PosixFilePermissions.fromString("rwxr-xr-x"));
    Path config = folder.resolve("reference.conf");
    Files.writeString(
        config,
        """
        {"cniVersion": "1.0.0", "name": "reference", "type": "reference",
         "capabilities": {"ips": true, "mac": true}}
        """);
    return new ReferencePlugin(executable, NetworkConfig.read(config, "reference"), state);
  }

  /** Runs one check, or all of them for none. */
  Report judge(String... ids) {
    return judge(BOUND, ids);
  }

  Report judge(Duration bound, String... ids) {
    List<Check> chosen =
        Checks.all().stream()
            .filter(check -> ids.length == 0 || List.of(ids).contains(check.id()))
            .toList();
    List<Result> told = new ArrayList<>();
    try (Kit kit =
        new Kit(
            new Kit.Target(executable, executable.getParent().toString(), Kit.Target.OWN, bound),
            options())) {
      List<CniVersion> spoken = kit.spoken(CniVersion.V1_1_0);
      Report report =
          kit.run(chosen, spoken.isEmpty() ? List.of(CniVersion.V1_1_0) : spoken, told::add);
      if (!told.equals(report.results())) {
        throw new AssertionError("told " + told + " but reported " + report.results());
      }
      return report;
    }
  }

  private Stage.Options options() {
    Path down = state.resolve("down");
    return new Stage.Options(
        network,
        Optional.empty(),
        PARALLEL,
        ROUNDS,
        1,
        32,
        Optional.of(new Outage("touch " + down, "rm " + down)));
  }
}
