// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend.report;

/** Text of pages that people keep among their sources. */
final class Prose {
  /**
   * The longest line of prose that this project's pages have ({@code ./dev check}), in characters.
   */
  static final int COLUMNS = 120;

  private Prose() {}

  /** A paragraph in lines; a word that is longer than a line has one for itself. */
  static String paragraph(String text) {
    return wrap("", "", text);
  }

  /** An item of a list, its further lines indented like the first. */
  static String item(String text) {
    return wrap("- ", "  ", text);
  }

  private static String wrap(String first, String further, String text) {
    StringBuilder out = new StringBuilder();
    StringBuilder line = new StringBuilder(first);
    String blank = "";
    for (String word : text.strip().split("\\s+", -1)) {
      if (!blank.isEmpty() && line.length() + 1 + word.length() > COLUMNS) {
        out.append(line).append('\n');
        line = new StringBuilder(further);
        blank = "";
      }
      line.append(blank).append(word);
      blank = " ";
    }
    return out.append(line).append('\n').toString();
  }
}
