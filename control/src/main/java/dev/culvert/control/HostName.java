// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.kernel.RefusedException;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * What a host is called: unique in its network, and part of the names of files and of stores' keys.
 * The one rule: 1 to 253 (RFC 1123) letters, digits, dots, hyphens, and the underscores that people
 * use anyway; the first is a letter or digit. Upper and lower case are different names. Immutable.
 *
 * @param text the name itself
 */
public record HostName(String text) implements Comparable<HostName> {
  private static final Pattern FORM = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,252}");

  private static final int SHOWN_CHARACTERS = 60;

  /**
   * Checks the name.
   *
   * @throws RefusedException when no host can be called that
   */
  public HostName {
    Objects.requireNonNull(text, "text");
    if (!isValid(text)) {
      throw new RefusedException(
          "\""
              + printable(text)
              + "\" cannot be a host's name: use 1 to 253 letters, digits, dots, hyphens and"
              + " underscores, beginning with a letter or digit.");
    }
  }

  /**
   * {@return whether a host can be called that}
   *
   * @param text anything
   */
  public static boolean isValid(String text) {
    Objects.requireNonNull(text, "text");
    return FORM.matcher(text).matches();
  }

  private static String printable(String text) {
    String shown =
        text.length() <= SHOWN_CHARACTERS ? text : text.substring(0, SHOWN_CHARACTERS) + "...";
    return shown.replaceAll("\\p{Cntrl}", "?");
  }

  /** In the order of the letters. */
  @Override
  public int compareTo(HostName other) {
    Objects.requireNonNull(other, "other");
    return text.compareTo(other.text);
  }

  /** The name itself. */
  @Override
  public String toString() {
    return text;
  }
}
