// SPDX-License-Identifier: Apache-2.0
package dev.culvert.measure;

/**
 * Something that is measured.
 *
 * @param id short and without blanks, for files
 * @param moreIsBetter false where less is
 */
public record Quantity(String id, String title, String unit, boolean moreIsBetter) {
  public static Quantity more(String id, String title, String unit) {
    return new Quantity(id, title, unit, true);
  }

  public static Quantity less(String id, String title, String unit) {
    return new Quantity(id, title, unit, false);
  }
}
