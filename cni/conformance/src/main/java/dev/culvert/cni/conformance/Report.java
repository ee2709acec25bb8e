// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance;

import dev.culvert.cni.conformance.check.Level;
import dev.culvert.cni.conformance.json.Json;
import dev.culvert.cni.conformance.plugin.CniVersion;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a run found, written for people, for programs, and for documents. */
public record Report(String plugin, List<CniVersion> versions, long seed, List<Result> results) {
  public Report {
    versions = List.copyOf(versions);
    results = List.copyOf(results);
  }

  long count(Result.Status status) {
    return results.stream().filter(result -> result.status() == status).count();
  }

  long failed(Level level) {
    return results.stream().filter(result -> result.failed(level)).count();
  }

  /** Without a failed MUST. */
  public boolean conforms() {
    return failed(Level.MUST) == 0;
  }

  /** One line for each result, as it is shown when it is known. */
  static String line(Result result) {
    String status =
        result.status() == Result.Status.NOT_APPLICABLE ? "n/a" : result.status().words();
    String start = String.format("%-7s %-6s %s", status, result.check().level(), result.title());
    return result.why().isEmpty() ? start : String.format("%-42s %s", start, result.why());
  }

  /** The last line. */
  String summary() {
    return String.format(
        "%s in %s: %d passed, %d failed a MUST, %d a SHOULD, %d not applicable (seed %d)",
        plugin,
        spoken(),
        count(Result.Status.PASSED),
        failed(Level.MUST),
        failed(Level.SHOULD),
        count(Result.Status.NOT_APPLICABLE),
        seed);
  }

  private String spoken() {
    return String.join(", ", versions.stream().map(CniVersion::toString).toList());
  }

  String json() {
    List<Object> all = new ArrayList<>();
    for (Result result : results) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("id", result.check().id());
      one.put("version", result.version().map(CniVersion::toString).orElse(null));
      one.put("level", result.check().level());
      one.put("section", result.check().chapter().section());
      one.put("sentence", result.check().sentence());
      one.put("result", result.status().words());
      one.put("why", result.why());
      all.add(one);
    }
    Map<String, Object> whole = new LinkedHashMap<>();
    whole.put("plugin", plugin);
    whole.put("versions", versions.stream().map(CniVersion::toString).toList());
    whole.put("seed", seed);
    whole.put("conforms", conforms());
    whole.put("results", all);
    return Json.pretty(whole);
  }

  String markdown() {
    StringBuilder out = new StringBuilder();
    out.append("| check | level | section | asks | result |\n|---|---|---|---|---|\n");
    for (Result result : results) {
      String words = result.status().words();
      out.append("| `")
          .append(result.title())
          .append("` | ")
          .append(result.check().level())
          .append(" | ")
          .append(result.check().chapter().section())
          .append(" | ")
          .append(cell(result.check().sentence()))
          .append(" | ")
          .append(result.status() == Result.Status.FAILED ? "**" + words + "**" : words)
          .append(result.why().isEmpty() ? "" : ": " + cell(result.why()))
          .append(" |\n");
    }
    return out.append('\n').append(summary()).append('\n').toString();
  }

  private static String cell(String text) {
    return text.replace("|", "\\|").replace("\n", " ");
  }
}
