// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.output;

import java.util.ArrayList;
import java.util.List;

/**
 * Rows under a heading, in aligned columns. Columns that hold only numbers are set to the right.
 */
public final class Table {
  private static final String GAP = "  ";
  private static final String NONE = "-";

  private final List<String> heading;
  private final List<List<String>> rows = new ArrayList<>();

  public Table(String... heading) {
    this.heading = List.of(heading);
  }

  /**
   * Adds one row; {@code null} shows as "-".
   *
   * @throws IllegalArgumentException when there are more or fewer cells than columns
   */
  public Table row(Object... cells) {
    if (cells.length != heading.size()) {
      throw new IllegalArgumentException(
          cells.length + " cells for " + heading.size() + " columns.");
    }
    List<String> row = new ArrayList<>();
    for (Object cell : cells) {
      row.add(cell == null || cell.toString().isEmpty() ? NONE : cell.toString());
    }
    rows.add(row);
    return this;
  }

  public boolean isEmpty() {
    return rows.isEmpty();
  }

  /** Every line ends with a line break and none with blanks. */
  public String render() {
    int columns = heading.size();
    int[] widths = new int[columns];
    boolean[] numeric = new boolean[columns];
    for (int column = 0; column < columns; column++) {
      widths[column] = heading.get(column).length();
      int index = column;
      numeric[column] = rows.stream().anyMatch(row -> !row.get(index).equals(NONE));
      for (List<String> row : rows) {
        widths[column] = Math.max(widths[column], row.get(column).length());
        numeric[column] &= row.get(column).matches("\\d+|-");
      }
    }
    StringBuilder out = new StringBuilder();
    line(out, heading, widths, numeric);
    rows.forEach(row -> line(out, row, widths, numeric));
    return out.toString();
  }

  private static void line(StringBuilder out, List<String> cells, int[] widths, boolean[] numeric) {
    StringBuilder line = new StringBuilder();
    for (int column = 0; column < cells.size(); column++) {
      String cell = cells.get(column);
      String blanks = " ".repeat(widths[column] - cell.length());
      line.append(column == 0 ? "" : GAP).append(numeric[column] ? blanks + cell : cell + blanks);
    }
    out.append(line.toString().stripTrailing()).append('\n');
  }
}
