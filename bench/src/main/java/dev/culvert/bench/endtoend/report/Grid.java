// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend.report;

import dev.culvert.agent.output.Table;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A table, whatever it is written as.
 *
 * @param rows each as long as the heading
 */
record Grid(List<String> heading, List<List<String>> rows) {
  String markdown() {
    StringBuilder out = new StringBuilder();
    out.append(line(heading)).append("|").append("---|".repeat(heading.size())).append('\n');
    rows.forEach(row -> out.append(line(row)));
    return out.toString();
  }

  private static String line(List<String> cells) {
    return cells.stream()
            .map(cell -> cell.replace("|", "\\|"))
            .collect(Collectors.joining(" | ", "| ", " |"))
        + "\n";
  }

  String html() {
    StringBuilder out = new StringBuilder("<table>\n<tr>");
    heading.forEach(cell -> out.append("<th>").append(Html.escape(cell)).append("</th>"));
    out.append("</tr>\n");
    for (List<String> row : rows) {
      out.append("<tr>");
      for (int i = 0; i < row.size(); i++) {
        String tag = i == 0 ? "th" : "td";
        out.append("<%s%s>%s</%s>".formatted(tag, style(row.get(i)), Html.escape(row.get(i)), tag));
      }
      out.append("</tr>\n");
    }
    return out.append("</table>\n").toString();
  }

  /** Conclusions are told by colour too. */
  private static String style(String cell) {
    if (cell.endsWith(" better")) {
      return " class=\"better\"";
    }
    return cell.endsWith(" worse") ? " class=\"worse\"" : "";
  }

  /** For a terminal. */
  String text() {
    Table table = new Table(heading.toArray(String[]::new));
    rows.forEach(row -> table.row(new ArrayList<Object>(row).toArray()));
    return table.render();
  }
}
