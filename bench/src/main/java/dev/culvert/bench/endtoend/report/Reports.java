// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend.report;

import dev.culvert.agent.output.Json;
import dev.culvert.bench.endtoend.result.Results;
import dev.culvert.lab.LabException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes all files of a report. */
public final class Reports {
  private Reports() {}

  /**
   * @param folder is made when it is missing; files of an earlier report there are replaced
   * @return what was written
   * @throws LabException when it cannot be
   */
  public static List<Path> write(Results results, Path folder) {
    Map<String, String> files = new LinkedHashMap<>();
    files.put("report.html", HtmlReport.render(results));
    files.put("report.md", MarkdownReport.render(results));
    files.put("results.csv", Values.csv(results));
    files.put("results.json", Json.pretty(Values.json(results)) + "\n");
    try {
      Files.createDirectories(folder);
      for (Map.Entry<String, String> file : files.entrySet()) {
        Files.writeString(folder.resolve(file.getKey()), file.getValue());
      }
    } catch (IOException e) {
      throw new LabException("Cannot write the report into " + folder + ": " + e.getMessage(), e);
    }
    return files.keySet().stream().map(folder::resolve).toList();
  }

  /** For the terminal: the ratios of each group. */
  public static String text(Results results) {
    StringBuilder out = new StringBuilder();
    results
        .groups()
        .forEach(group ->
            out.append('\n')
                .append(group.title())
                .append(" (")
                .append(group.samples().rounds())
                .append(" rounds)\n")
                .append(Grids.toReference(results, group).text()));
    return out.toString();
  }
}
