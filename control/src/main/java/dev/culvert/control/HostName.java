// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import java.util.regex.Pattern;

/** What a host may be called: it ends up in file names and in stores' keys. */
final class HostName {
  /** RFC 1123 letters, digits, hyphens and dots, and the underscore that people use anyway. */
  private static final Pattern FORM = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,252}");

  private HostName() {}

  static void check(String host) {
    if (!FORM.matcher(host).matches()) {
      throw new IllegalArgumentException(
          "\""
              + printable(host)
              + "\" cannot be a host's name: use 1 to 253 letters, digits, dots, hyphens and"
              + " underscores, beginning with a letter or digit.");
    }
  }

  private static String printable(String host) {
    String shown = host.length() <= 60 ? host : host.substring(0, 60) + "...";
    return shown.replaceAll("\\p{Cntrl}", "?");
  }
}
