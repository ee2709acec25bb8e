// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.cni.conformance.json.Json;
import dev.culvert.testing.Commands;
import dev.culvert.testing.RequiresRoot;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The kit on plugins that many people use, as controls: what Debian's bridge and ptp (1.1.1) are
 * known to do. They masquerade nothing here: with ipMasq, their DEL after a killed ADD may fail,
 * depending on the moment (docs/cni-conformance.md).
 */
@Tag("netns")
@RequiresRoot
class DebianPluginsNetnsTest {
  private static final Path PLUGINS = Path.of("/usr/lib/cni");

  /** Both are built on the same skeleton. */
  private static final Set<String> FAILED_BY_BOTH =
      Set.of(
          "version.echo", // names its newest version, whatever it was asked with
          "env.no-command", // says what it is, and exits with 0
          "errors.form"); // errors bear no cniVersion

  private static final Set<String> NOT_APPLICABLE =
      Set.of(
          "env.no-path", // there is an ipam plugin
          "gc.keeps",
          "gc.removes",
          "gc.goes-on",
          "gc.silent",
          "status.ready",
          "status.full",
          "outage.add",
          "outage.del",
          "outage.status");

  @TempDir private Path folder;

  @Test
  void bridge() throws Exception {
    Path config =
        Files.writeString(
            folder.resolve("bridge.conf"),
            """
            {"cniVersion": "1.0.0", "name": "conf-bridge", "type": "bridge", "bridge": "conf0",
             "isGateway": true, "capabilities": {"ips": true, "mac": true},
             "ipam": {"type": "host-local", "dataDir": "%s",
                      "ranges": [[{"subnet": "10.99.1.0/28"}], [{"subnet": "fd99:1::/120"}]],
                      "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]}}
            """
                .formatted(folder.resolve("addresses")));
    expect(run("bridge", config), FAILED_BY_BOTH, NOT_APPLICABLE);
  }

  @Test
  void ptp() throws Exception {
    Path config =
        Files.writeString(
            folder.resolve("ptp.conf"),
            """
            {"cniVersion": "1.0.0", "name": "conf-ptp", "type": "ptp", "capabilities": {"ips": true},
             "ipam": {"type": "host-local", "dataDir": "%s", "subnet": "10.99.2.0/28",
                      "routes": [{"dst": "0.0.0.0/0"}]}}
            """
                .formatted(folder.resolve("addresses")));
    // A second interface finds the route to the gateway taken by the first.
    expect(
        run("ptp", config),
        with(FAILED_BY_BOTH, "several.interfaces"),
        with(NOT_APPLICABLE, "several.networks", "capability.mac"));
  }

  private static Set<String> with(Set<String> set, String... more) {
    Set<String> all = new TreeSet<>(set);
    all.addAll(Set.of(more));
    return all;
  }

  private static Map<String, Object> run(String plugin, Path config) throws Exception {
    assertTrue(
        Files.isExecutable(PLUGINS.resolve(plugin)),
        "Debian's package containernetworking-plugins is missing");
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    String[] arguments = {
      "--plugin",
      PLUGINS.resolve(plugin).toString(),
      "--config",
      config.toString(),
      "--seed",
      "1",
      "--rounds",
      "6",
      "--parallel",
      "6",
      "--json"
    };
    int exitCode =
        Main.commandLine(new PrintWriter(out, true), new PrintWriter(err, true)).execute(arguments);
    assertEquals("", err.toString());
    assertEquals(1, exitCode); // version.echo is a MUST
    assertFalse(Commands.run("ip", "netns", "list").contains("confkit-"));
    return Json.object(out.toString());
  }

  private static void expect(
      Map<String, Object> report, Set<String> failed, Set<String> notApplicable) {
    assertEquals(List.of("0.3.1", "0.4.0", "1.0.0"), report.get("versions"));
    Map<String, String> seen = new TreeMap<>();
    Map<String, String> expected = new TreeMap<>();
    for (Object element : (List<?>) report.get("results")) {
      Map<?, ?> result = (Map<?, ?>) element;
      String id = result.get("id").toString();
      String title = id + " " + result.get("version");
      // The sentence comes along, for whoever reads a failure of this test.
      String why = failed.contains(id) ? "" : " " + result.get("why");
      String should =
          failed.contains(id) ? "failed" : notApplicable.contains(id) ? "not applicable" : "passed";
      seen.put(title, result.get("result") + (result.get("result").equals(should) ? "" : why));
      expected.put(title, should);
    }
    assertEquals(expected, seen);
  }
}
