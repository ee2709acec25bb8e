// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel;

import java.nio.charset.StandardCharsets;
import java.util.Objects;

/**
 * What an interface can be called: the one rule for names that somebody asks for. Immutable.
 *
 * <p>The rule is the kernel's (dev_valid_name() in net/core/dev.c): 1 to 15 bytes, none of them a
 * slash, a colon or a blank, and neither {@code .} nor {@code ..}. It also leaves out what the
 * kernel takes but nobody means: {@code %}, since {@code eth%d} is no name but the wish for the
 * first number that is free, and control characters.
 *
 * @param text the name itself
 */
public record InterfaceName(String text) implements Comparable<InterfaceName> {
  /** IFNAMSIZ without the final zero (linux/if.h). */
  private static final int MAX_BYTES = 15;

  /** The kernel's isspace() knows ISO 8859-1, and looks at each byte of a name in UTF-8. */
  private static final int NO_BREAK_SPACE = 0xa0;

  private static final int DELETE = 0x7f;

  /**
   * Checks the name.
   *
   * @throws RefusedException when no interface can be called that
   */
  public InterfaceName {
    Objects.requireNonNull(text, "text");
    if (!isValid(text)) {
      throw new RefusedException(
          "\""
              + text.replaceAll("\\p{Cntrl}", "?")
              + "\" cannot be an interface's name: use 1 to 15 bytes without blanks, slash, colon and"
              + " percent sign, such as eth0.");
    }
  }

  /**
   * {@return whether an interface can be called that}
   *
   * @param text anything
   */
  public static boolean isValid(String text) {
    Objects.requireNonNull(text, "text");
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    if (bytes.length < 1 || bytes.length > MAX_BYTES || text.equals(".") || text.equals("..")) {
      return false;
    }
    for (byte each : bytes) {
      if (!mayStandInOne(each & 0xff)) {
        return false;
      }
    }
    return true;
  }

  private static boolean mayStandInOne(int each) {
    boolean blankOrControl = each <= ' ' || each == DELETE || each == NO_BREAK_SPACE;
    return !blankOrControl && each != '/' && each != ':' && each != '%';
  }

  /** In the order of the letters. */
  @Override
  public int compareTo(InterfaceName other) {
    Objects.requireNonNull(other, "other");
    return text.compareTo(other.text);
  }

  /** The name itself. */
  @Override
  public String toString() {
    return text;
  }
}
