// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Measurements in rows and columns, as text for a terminal, Markdown, CSV and JSON. Immutable.
 *
 * @param title one line: what is measured, in which unit
 * @param labels headings of the columns that name a row
 * @param columns headings of the columns that hold measurements
 */
public record ResultTable(String title, List<String> labels, List<String> columns, List<Row> rows) {
  /**
   * @param names one for each label
   * @param cells one for each column; empty where nothing was measured
   */
  public record Row(List<String> names, List<Optional<Spread>> cells) {
    public Row {
      names = List.copyOf(names);
      cells = List.copyOf(cells);
    }

    /** With one name, and all measured, in each column as many times as there were rounds. */
    public static Row of(int name, double[]... rounds) {
      return new Row(
          List.of(String.valueOf(name)),
          Stream.of(rounds).map(values -> Optional.of(Spread.of(values))).toList());
    }
  }

  public ResultTable {
    labels = List.copyOf(labels);
    columns = List.copyOf(columns);
    rows = List.copyOf(rows);
    for (Row row : rows) {
      if (row.names().size() != labels.size() || row.cells().size() != columns.size()) {
        throw new IllegalArgumentException("A row does not fit the headings: " + row);
      }
    }
  }

  private List<String> headings() {
    return Stream.concat(labels.stream(), columns.stream()).toList();
  }

  private static List<String> words(Row row) {
    return Stream.concat(row.names().stream(), row.cells().stream().map(ResultTable::word))
        .toList();
  }

  private static String word(Optional<Spread> cell) {
    return cell.map(
            s -> number(s.median()) + " [" + number(s.low()) + ".." + number(s.high()) + "]")
        .orElse("-");
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, Math.abs(value) < 100 ? "%.1f" : "%.0f", value);
  }

  /** Aligned columns under the title. */
  public String text() {
    List<List<String>> lines = lines();
    List<Integer> widths = new ArrayList<>();
    for (int i = 0; i < lines.getFirst().size(); i++) {
      int column = i;
      widths.add(lines.stream().mapToInt(line -> line.get(column).length()).max().orElse(0));
    }
    StringBuilder out = new StringBuilder(title).append('\n');
    for (List<String> line : lines) {
      for (int i = 0; i < line.size(); i++) {
        String word = line.get(i);
        String gap = " ".repeat(widths.get(i) - word.length());
        out.append(i == 0 ? "" : "  ").append(i < labels.size() ? word + gap : gap + word);
      }
      out.append('\n');
    }
    return out.toString();
  }

  private List<List<String>> lines() {
    return Stream.concat(Stream.of(headings()), rows.stream().map(ResultTable::words)).toList();
  }

  /** A Markdown table under the title. */
  public String markdown() {
    String ruler = "|" + "---|".repeat(labels.size()) + "---:|".repeat(columns.size());
    StringBuilder out = new StringBuilder(title).append("\n\n");
    List<List<String>> lines = lines();
    for (int i = 0; i < lines.size(); i++) {
      out.append("| ").append(String.join(" | ", lines.get(i))).append(" |\n");
      if (i == 0) {
        out.append(ruler).append('\n');
      }
    }
    return out.toString();
  }

  /** One line for each measurement: labels, column, median, low, high. */
  public String csv() {
    StringBuilder out = new StringBuilder();
    out.append(String.join(",", labels)).append(",column,median,low,high\n");
    for (Row row : rows) {
      for (int i = 0; i < columns.size(); i++) {
        Optional<Spread> cell = row.cells().get(i);
        if (cell.isPresent()) {
          List<String> words = new ArrayList<>(row.names());
          words.add(columns.get(i));
          out.append(words.stream().map(ResultTable::quoted).collect(Collectors.joining(",")));
          out.append(String.format(Locale.ROOT, ",%.2f,%.2f,%.2f%n", numbers(cell.get())));
        }
      }
    }
    return out.toString();
  }

  private static Object[] numbers(Spread spread) {
    return new Object[] {spread.median(), spread.low(), spread.high()};
  }

  /** An object with the title and an array of measurements. */
  public String json() {
    List<String> all = new ArrayList<>();
    for (Row row : rows) {
      for (int i = 0; i < columns.size(); i++) {
        Optional<Spread> cell = row.cells().get(i);
        if (cell.isPresent()) {
          all.add(json(row, columns.get(i), cell.get()));
        }
      }
    }
    return "{\"title\": "
        + quoted(title)
        + ", \"measurements\": [\n  "
        + String.join(",\n  ", all)
        + "\n]}";
  }

  private String json(Row row, String column, Spread spread) {
    StringBuilder out = new StringBuilder("{");
    for (int i = 0; i < labels.size(); i++) {
      out.append(quoted(labels.get(i)))
          .append(": ")
          .append(quoted(row.names().get(i)))
          .append(", ");
    }
    out.append("\"column\": ").append(quoted(column));
    return out.append(
            String.format(
                Locale.ROOT, ", \"median\": %.2f, \"low\": %.2f, \"high\": %.2f}", numbers(spread)))
        .toString();
  }

  /** Our words hold no quotes and no control characters, so one form serves CSV and JSON. */
  private static String quoted(String word) {
    return "\"" + word + "\"";
  }
}
